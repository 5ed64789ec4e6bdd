/** Uploads that are remembered; for one more that which was missed first is forgotten, and may be missed anew. */
const MOST_MISSED = 10_000

/** Since when this worker misses which uploads. */
export interface Missed {
  /** An upload is not there: for how long it has been missed by now, in ms. */
  note(id: number): number
  /** It is there. */
  forget(id: number): void
}

export function createMissed(): Missed {
  const since = new Map<number, number>()
  return {
    note(id) {
      const now = performance.now()
      const first = since.get(id) ?? now
      since.set(id, first)
      const [oldest = id] = since.keys()
      if (since.size > MOST_MISSED) since.delete(oldest)
      return now - first
    },
    forget: id => void since.delete(id),
  }
}
