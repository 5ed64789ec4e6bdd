import { randomInt } from 'node:crypto'

/** A random id from 1 to 2^53-1: who knows one knows nothing of another, and nobody guesses one. */
export function drawId(): number {
  // Small numbers are drawn from bytes that are fetched many at a time: asked for one by one they cost twenty times as much.
  return randomInt(2 ** 21) * 2 ** 32 + randomInt(2 ** 32) || drawId()
}
