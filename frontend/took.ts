/** How long each part of a task's way took, in ms: to wait for its last worker, to be fetched, swapped, stored. */
export interface Took {
  readonly waitMs: number
  readonly fetchMs?: number | undefined
  readonly swapMs?: number | undefined
  readonly storeMs?: number | undefined
}

/** In words: `waited 2 s, fetched in 3 ms, swapped in 31 ms, stored in 6 ms`. */
export function formatTook({ waitMs, fetchMs, swapMs, storeMs }: Took): string {
  const parts = [`waited ${format(waitMs)}`]
  const steps = { fetched: fetchMs, swapped: swapMs, stored: storeMs }
  for (const [says, ms] of Object.entries(steps)) if (ms !== undefined) parts.push(`${says} in ${format(ms)}`)
  return parts.join(', ')
}

/** All of it together: `2.1 s`. */
export function formatWhole({ waitMs, fetchMs = 0, swapMs = 0, storeMs = 0 }: Took): string {
  return format(waitMs + fetchMs + swapMs + storeMs)
}

const format = (ms: number) => (ms < 1_000 ? `${ms} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`)
