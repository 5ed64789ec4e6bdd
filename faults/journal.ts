import { createWriteStream } from 'node:fs'

/** What a visitor asked, and what he was told. */
export interface Visit {
  readonly kind: 'upload' | 'task' | 'isReady' | 'getImage'
  /** When it was sent and when it was over, in ms of the journal's clock. */
  readonly from: number
  readonly to: number
  /** A status; `unknown` when no answer came, which is neither yes nor no; `unreached` when nobody was there to take it. */
  readonly status: number | 'unknown' | 'unreached'
  readonly id?: string | undefined
  /** Which image it was: its seed. */
  readonly image?: number | undefined
}

/** An upload that was acknowledged: what was promised. */
export interface Promised {
  readonly id: string
  readonly image: number
  /** True for one that may fail: it is poison, or broken. */
  readonly mayFail: boolean
}

/** All that visitors did, kept so that afterwards it can be held against what there is. */
export interface Journal {
  now(): number
  note(visit: Visit): void
  promise(promised: Promised): void
  readonly visits: readonly Visit[]
  readonly promises: readonly Promised[]
  /** Says that a fault is in force from now on; the function it gives says that it is over. */
  beginFault(): () => void
  /** Whether a fault was in force at any moment between the two. */
  hadFault(from: number, to: number): boolean
}

/** A journal in memory; with a path every visit is also a line of JSON there. */
export function createJournal(path?: string): Journal {
  const visits: Visit[] = []
  const promises: Promised[] = []
  const faults: { from: number; to: number }[] = []
  const now = () => performance.now()
  const file = path === undefined ? undefined : createWriteStream(path)
  return {
    now,
    visits,
    promises,
    note(visit) {
      visits.push(visit)
      file?.write(`${JSON.stringify(visit)}\n`)
    },
    promise: promised => void promises.push(promised),
    beginFault() {
      const fault = { from: now(), to: Number.POSITIVE_INFINITY }
      faults.push(fault)
      return () => {
        fault.to = now()
      }
    },
    hadFault: (from, to) => faults.some(fault => fault.from <= to && fault.to >= from),
  }
}
