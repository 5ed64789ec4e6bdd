import type { TaskTable, Told } from './tasks.ts'

/**
 * How far ahead the number of the last change and the clock are told to the file, in changes and in ms, so that this is not
 * needed in every transaction. Whoever opens the file after a process that was killed begins there: later than all it wrote.
 */
const AHEAD = 1_000
const AHEAD_MS = 250

/** What the file says of where the engine stands: no change in it has a later number or time. */
export interface Standing {
  /** Sees to it, in the present transaction, that the file says at least this. */
  reach(at: Told): void
  /** The present transaction is on disk, or is not to be. */
  committed(): void
  rolledBack(): void
  /** Tells exactly where it ends. */
  close(at: Told): void
}

/** @param told What the file says at the start. */
export function createStanding(tasks: Pick<TaskTable, 'tell'>, told: Told): Standing {
  let before = told
  let present = told
  return {
    reach({ revision, clock }) {
      if (revision <= present.revision && clock <= present.clock) return
      present = { revision: revision + AHEAD, clock: clock + AHEAD_MS }
      tasks.tell(present)
    },
    committed() {
      before = present
    },
    rolledBack() {
      present = before
    },
    close(at) {
      try {
        tasks.tell(at)
      } catch (error) {
        // Without it the next start begins a little later, no more.
        if ((error as { code?: string }).code !== 'SQLITE_FULL') throw error
      }
    },
  }
}
