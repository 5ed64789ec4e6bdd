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
  /**
   * Those who wait, in the order in which they are to be served: each time one of the worker that has most asks waiting, and so
   * the most to spare; of its asks the longest waiting, of such workers the one that was served longest ago. Those that may have
   * nothing now, asked each time, are passed over.
   */
  waiting(mayHave: (worker: string) => boolean): Iterator<Poll, undefined>
  /** How many wait. */
  count(): number
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

/** Who waits for a task. */
export function createPolls(): Polls {
  /** What each worker asks, in the order in which it came; whoever has no name is somebody else each time. */
  const asks = new Map<string | Asking, Set<Poll>>()
  const all = () => [...asks.values()].flatMap(polls => [...polls])
  let isClosed = false
  let waiting = 0
  let fresh: (Poll & { beginWait(): void })[] = []

  return {
    add: asking =>
      new Promise((resolve, reject) => {
        let timer: NodeJS.Timeout | undefined
        const { waitMs = 0, signal, worker: asker = asking } = asking
        const own = asks.get(asker) ?? new Set()
        const takeOut = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', giveUp)
          if (!own.delete(poll)) return
          waiting -= 1
          asks.delete(asker)
          if (own.size > 0) asks.set(asker, own)
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
            if (!own.has(poll)) return
            if (waitMs > 0) timer = setTimeout(giveUp, waitMs)
            else giveUp()
          },
        }
        own.add(poll)
        waiting += 1
        asks.set(asker, own)
        fresh.push(poll)
        if (signal?.aborted || isClosed) giveUp()
        else signal?.addEventListener('abort', giveUp, { once: true })
      }),
    count: () => waiting,
    *waiting(mayHave) {
      const workers = [...asks].map(([asker, polls]) => ({ asker, left: polls.size, polls: polls.values() }))
      const isServed = (asker: string | Asking) => typeof asker !== 'string' || mayHave(asker)
      for (;;) {
        const next = workers.reduce(
          (best, worker) => (worker.left > best.left && isServed(worker.asker) ? worker : best),
          none,
        )
        if (next === none) return undefined
        next.left -= 1
        yield next.polls.next().value as Poll
      }
    },
    beginWaits() {
      const begun = fresh
      fresh = []
      for (const poll of begun) poll.beginWait()
    },
    letGo(worker) {
      const isNew = new Set<Poll>(fresh)
      for (const poll of [...(asks.get(worker) ?? [])]) if (!isNew.has(poll)) poll.answer(undefined)
    },
    dismiss(worker) {
      for (const poll of [...(asks.get(worker) ?? [])]) poll.answer(undefined)
    },
    rejectNew(error) {
      const rejected = fresh
      fresh = []
      for (const poll of rejected) poll.reject(error)
    },
    close() {
      isClosed = true
      for (const poll of all()) poll.answer(undefined)
    },
  }
}

/** Less than anybody's. */
const none = { asker: '' as string | Asking, left: 0, polls: new Set<Poll>().values() }
