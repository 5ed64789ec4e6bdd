import { setTimeout as delay } from 'node:timers/promises'

/** Steps that are taken at the same time. */
const AT_ONCE = 16
/** Longest rest after some steps, in ms: one that hung must not hold up the rest for as long again. */
const LONGEST_REST_MS = 1_000

/**
 * Takes a step for each item, some at once, and rests as long as they took: after thousands of deletions in a row a disk
 * is slow for seconds. Ends early, without an error, when `signal` aborts; rejects with what a step rejects with.
 */
export async function takeSteps<T>(
  items: AsyncIterable<T>,
  step: (item: T) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  let group: T[] = []
  const work = async () => {
    const began = performance.now()
    await Promise.all(group.map(step))
    group = []
    const restMs = Math.min(performance.now() - began, LONGEST_REST_MS)
    await delay(restMs, undefined, { signal }).catch(() => {})
  }
  for await (const item of items) {
    if (signal.aborted) return
    group.push(item)
    if (group.length === AT_ONCE) await work()
  }
  if (!signal.aborted) await work()
}
