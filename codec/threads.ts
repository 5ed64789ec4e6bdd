import { Thread, type ThreadOptions } from './thread.ts'

export interface ThreadsOptions extends ThreadOptions {
  /** How many swaps run at once: one a core. The others wait. */
  readonly count: number
}

/** Threads that swap, so that the event loop never waits for pixels. */
export interface Threads {
  /**
   * Exchanges red and green, as `swapRedGreen` does, in a thread. Rejects with `PngError`, and with `SwapTimeout` when
   * the thread took too long or hung: it is ended then, and another takes its place.
   */
  swap(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer>
  /** Ends all threads. Swaps under way reject. */
  close(): Promise<void>
}

/** Threads are started when they are first needed, and kept. */
export function openThreads(options: ThreadsOptions): Threads {
  const all = new Set<Thread>()
  const idle: Thread[] = []
  const waiting: (() => void)[] = []
  let isClosed = false

  const lend = async (): Promise<Thread> => {
    while (idle.length === 0 && all.size >= options.count && !isClosed)
      await new Promise<void>(resolve => waiting.push(resolve))
    if (isClosed) throw new Error('the threads are closed')
    const thread = idle.pop() ?? new Thread(options)
    all.add(thread)
    if (thread.isAlive) return thread
    // It ended while nobody used it.
    all.delete(thread)
    return lend()
  }
  const giveBack = (thread: Thread) => {
    if (thread.isAlive) idle.push(thread)
    else all.delete(thread)
    waiting.shift()?.()
  }

  return {
    async *swap(input) {
      const thread = await lend()
      try {
        yield* thread.swap(input)
      } finally {
        giveBack(thread)
      }
    },
    async close() {
      isClosed = true
      for (const wake of waiting.splice(0)) wake()
      await Promise.all([...all].map(thread => thread.end(new Error('the threads are closed'))))
    },
  }
}
