import { setTimeout as delay } from 'node:timers/promises'

/** Pause between two looks, in ms: it grows, so that what takes long is not held up by being looked at. */
const FIRST_MS = 10
const LONGEST_MS = 100

/** Resolves with the first value of `look` that is not undefined or false; rejects after `withinMs`, naming `what`. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  let pauseMs = FIRST_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`)
    await delay(pauseMs)
    pauseMs = Math.min(1.5 * pauseMs, LONGEST_MS)
  }
}
