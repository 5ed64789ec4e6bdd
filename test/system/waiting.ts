import { setTimeout as delay } from 'node:timers/promises'

/** Resolves with the first value of `look` that is not undefined or false; rejects after `withinMs`, naming `what`. */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`)
    await delay(25)
  }
}
