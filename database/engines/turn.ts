import type { Granted } from '../engine.ts'
import { type Doings, noDoings } from './hour.ts'
import type { Poll } from './polls.ts'

/** What a transaction did, of which others hear once it is on disk. */
export interface Done {
  /** Tasks that changed, or are no more. */
  readonly changed: Set<number>
  readonly grants: { readonly poll: Poll; readonly granted: Granted }[]
  /** Tokens of holders that were heard of, or whose leases were found to be over. */
  readonly settled: string[]
  readonly doings: Doings
}

/** The present transaction. */
export interface Turn {
  /** The number of the last change. */
  revision(): number
  done(): Done
  /** Notes a change of this task: its number. */
  change(id: number): number
  /** Gives what was done, and begins the next one. */
  committed(): Done
  /** Nothing was done, and no number was given; begins the next one. */
  rolledBack(): void
}

export function createTurn(lastRevision: number): Turn {
  let revision = lastRevision
  let before = lastRevision
  let present = nothing()

  return {
    revision: () => revision,
    done: () => present,
    change(id) {
      revision += 1
      present.changed.add(id)
      return revision
    },
    committed() {
      const done = present
      present = nothing()
      before = revision
      return done
    },
    rolledBack() {
      present = nothing()
      revision = before
    },
  }
}

const nothing = (): Done => ({ changed: new Set(), grants: [], settled: [], doings: noDoings() })
