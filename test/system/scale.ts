/** True when the long tests run in full: `scripts/test.sh --all`. */
export const isFull = process.env.VERDIGRIS_TESTS === 'all'

/** How much of a long test is done: in full, or in its short form. */
export function scaled(full: number, short: number): number {
  return isFull ? full : short
}
