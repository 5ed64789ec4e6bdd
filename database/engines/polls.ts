import type { Asking, Granted } from '../engine.ts'

/** One who asked for a task and has no answer yet. */
export interface Poll {
  readonly asking: Asking
  /** Answers it, and takes it out. */
  answer(granted: Granted | undefined): void
  reject(error: unknown): void
}

export interface Polls {
  /** Queues one who asks; answered by `answer`, by the end of its wait, or when nobody wants to know any more. */
  add(asking: Asking): Promise<Granted | undefined>
  /** Those who wait, the longest waiting first. */
  waiting(): Iterable<Poll>
  /** Lets those who came since the last call begin their wait; with none, they are answered with nothing. */
  beginWaits(): void
  /**
   * Answers what this worker asked in earlier turns with nothing: it has been silent for as long as a lease, so perhaps
   * nobody hears an answer any more. One that lives asks again.
   */
  letGo(worker: string): void
  /** Answers all that this worker asks with nothing. */
  dismiss(worker: string): void
  /** Rejects those who came since the last call of either. */
  rejectNew(error: unknown): void
  /** Answers everybody with nothing, and whoever comes later. */
  close(): void
}

/** Who waits for a task, in the order in which they came. */
export function createPolls(): Polls {
  const polls = new Set<Poll>()
  let isClosed = false
  let fresh: (Poll & { beginWait(): void })[] = []

  return {
    add: asking =>
      new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined
        const { waitMs = 0, signal } = asking
        const takeOut = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          polls.delete(poll)
        }
        const giveUp = () => poll.answer(undefined)
        const poll = {
          asking,
          answer(granted: Granted | undefined) {
            takeOut()
            resolve(granted)
          },
          reject(error: unknown) {
            takeOut()
            reject(error)
          },
          beginWait() {
            if (!polls.has(poll)) return
            if (waitMs > 0) timer = setTimeout(giveUp, waitMs)
            else giveUp()
          },
        }
        polls.add(poll)
        fresh.push(poll)
        if (signal?.aborted || isClosed) giveUp()
        else signal?.addEventListener('abort', giveUp, { once: true })
      }),
    waiting: () => polls,
    beginWaits() {
      const begun = fresh
      fresh = []
      for (const poll of begun) poll.beginWait()
    },
    letGo(worker) {
      const isNew = new Set<Poll>(fresh)
      for (const poll of [...polls])
        if (poll.asking.worker === worker && !isNew.has(poll)) poll.answer(undefined)
    },
    dismiss(worker) {
      for (const poll of [...polls]) if (poll.asking.worker === worker) poll.answer(undefined)
    },
    rejectNew(error) {
      const rejected = fresh
      fresh = []
      for (const poll of rejected) poll.reject(error)
    },
    close() {
      isClosed = true
      for (const poll of [...polls]) poll.answer(undefined)
    },
  }
}
