/** How long a task's way took, in ms: all of it, from its making to its end; to wait for its last worker, to be fetched, swapped, stored. */
export interface Took {
  readonly wholeMs: number
  readonly waitMs: number
  readonly fetchMs?: number | undefined
  readonly swapMs?: number | undefined
  readonly storeMs?: number | undefined
}

/** Its parts in words: `waited 2.0 s, fetched in 3 ms, swapped in 31 ms, stored in 6 ms`. */
export function formatTook({ waitMs, fetchMs, swapMs, storeMs }: Took): string {
  const parts = [`waited ${formatMs(waitMs)}`]
  const steps = { fetched: fetchMs, swapped: swapMs, stored: storeMs }
  for (const [says, ms] of Object.entries(steps))
    if (ms !== undefined) parts.push(`${says} in ${formatMs(ms)}`)
  return parts.join(', ')
}

/** A length of time as short as it may be said: `31 ms`, `2.0 s`, `90 s`, `3 min`, `5 h`. */
export function formatMs(ms: number): string {
  if (ms < 1_000) return `${ms} ms`
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  if (ms < 7_200_000) return `${Math.floor(ms / 60_000)} min`
  return `${Math.floor(ms / 3_600_000)} h`
}
