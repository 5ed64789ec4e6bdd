import { setMaxListeners } from 'node:events'

/**
 * Who may run beside whom. Many may be inside at once, but one that comes `alone` waits until all others have left, and
 * from its coming to its leaving nobody else comes in.
 */
export interface Gate {
  /** Resolves once the gate is open, or closed for good. */
  whenOpen(): Promise<void>
  isOpen(): boolean
  /**
   * Comes in, or gives `undefined`: at once when the gate is shut, later when it closes for good while one waits to come in alone.
   * Call what it gives to leave again.
   */
  enter(alone: boolean): Promise<(() => void) | undefined> | undefined
  /** Aborts when the gate closes for good. */
  readonly closing: AbortSignal
  /** Lets nobody in any more, also none that waits. */
  close(): void
}

export function createGate(): Gate {
  let inside = 0
  let isShut = false
  let isClosed = false
  const closing = new AbortController()
  // Every ask for a task listens to it.
  setMaxListeners(0, closing.signal)
  let waiters: (() => void)[] = []
  const wake = () => {
    const woken = waiters
    waiters = []
    for (const waiter of woken) waiter()
  }
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) await new Promise<void>(resolve => waiters.push(resolve))
  }
  const leave = () => {
    inside -= 1
    wake()
  }
  const leaveAlone = () => {
    isShut = false
    leave()
  }
  const enterAlone = async () => {
    await until(() => inside === 1 || isClosed)
    if (!isClosed) return leaveAlone
    leaveAlone()
    return undefined
  }

  return {
    whenOpen: () => until(() => !isShut || isClosed),
    isOpen: () => !isShut && !isClosed,
    enter(alone) {
      if (isShut || isClosed) return undefined
      inside += 1
      if (!alone) return Promise.resolve(leave)
      isShut = true
      return enterAlone()
    },
    closing: closing.signal,
    close() {
      isClosed = true
      closing.abort()
      wake()
    },
  }
}
