export interface ClockOptions {
  /** Wall clock in ms, read once. */
  readonly wall?: (() => number) | undefined
  /** A clock in ms that never jumps. */
  readonly now?: (() => number) | undefined
  /** The last time an earlier start has told, in ms; this clock does not begin before it. */
  readonly notBefore: number
}

/**
 * Whole ms since 1970: the wall's at the start plus monotonic time since. A wall clock that jumps while it runs is not
 * noticed; one that stands in the past at the start makes time stand still meanwhile, never go back.
 */
export function createClock({ wall = Date.now, now = () => performance.now(), notBefore }: ClockOptions) {
  const startedAt = Math.max(Math.floor(wall()), notBefore)
  const from = now()
  return () => startedAt + Math.floor(now() - from)
}
