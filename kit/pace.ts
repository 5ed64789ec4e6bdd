/** What has to move in a stretch of time, for the other side not to count as too slow. */
export interface Pace {
  /** How long is looked back, in ms. */
  readonly windowMs: number
  /** Bytes that must have moved in it. */
  readonly leastBytes: number
}

/** One sender or reader, held against a pace. */
export interface Pacer {
  /**
   * To be called every `windowMs / LOOKS`, with the bytes that moved since the last time. True once too few have moved over a
   * whole window of waiting for the other side; time in which it was not waited for does not count.
   */
  isTooSlow(isWaitedFor: boolean, bytes: number): boolean
  /** It owes nothing now: a new window begins. */
  reset(): void
}

/** How often a window is looked at while it lasts. */
export const LOOKS = 10

export function createPacer({ leastBytes }: Pace): Pacer {
  let recent: number[] = []
  return {
    isTooSlow(isWaitedFor, bytes) {
      if (!isWaitedFor) {
        recent.push((recent.pop() ?? 0) + bytes)
        return false
      }
      recent = [...recent.slice(1 - LOOKS), bytes]
      return recent.length === LOOKS && recent.reduce((sum, moved) => sum + moved, 0) < leastBytes
    },
    reset() {
      recent = []
    },
  }
}
