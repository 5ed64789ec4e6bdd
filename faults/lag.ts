/** How often the clock is looked at, in ms. */
const TICK_MS = 50
/** How much of an earlier lag still counts a tick later. */
const DECAY = 0.98

/** How late this process was woken lately, in ms: on a machine without a free processor, what it sees is as late. */
export interface Lag {
  ms(): number
  stop(): void
}

export function startLag(): Lag {
  let lag = 0
  let last = performance.now()
  const timer = setInterval(() => {
    const now = performance.now()
    lag = Math.max(now - last - TICK_MS, lag * DECAY)
    last = now
  }, TICK_MS).unref()
  return { ms: () => lag, stop: () => clearInterval(timer) }
}
