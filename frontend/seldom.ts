import { setTimeout as delay } from 'node:timers/promises'

/** A function that sees to it that `act` runs after each call of it, at least `ms` after it ran before, up to the signal's abort. */
export function seldom(ms: number, signal: AbortSignal, act: () => Promise<void>): () => Promise<void> {
  let isAsked = false
  let isActing = false
  return async () => {
    isAsked = true
    if (isActing) return
    isActing = true
    while (isAsked && !signal.aborted) {
      isAsked = false
      await act()
      await delay(ms, undefined, { signal }).catch(() => {})
    }
    isActing = false
  }
}
