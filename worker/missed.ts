/** Uploads that are remembered at once. */
const MOST_MISSED = 100_000

/** Since when this worker misses which uploads. */
export interface Missed {
  /** An upload is not to be had: for how long it has been missed by now, in ms; 0 for ever where too many are missed at once. */
  note(id: number): number
  /** It is there, or given up. */
  forget(id: number): void
  /** How many are missed. */
  count(): number
}

export function createMissed(): Missed {
  const since = new Map<number, number>()
  return {
    note(id) {
      const now = performance.now()
      const first = since.get(id) ?? now
      if (since.size < MOST_MISSED) since.set(id, first)
      return now - first
    },
    forget: id => void since.delete(id),
    count: () => since.size,
  }
}
