import type { Minute } from '../contract.ts'

const MINUTE_MS = 60_000
/** So many minutes are told of, the present one included. */
const MINUTES = 60

/** What one transaction did, as it is counted. */
export interface Doings {
  made: number
  granted: number
  finished: number
  failed: number
  /** How long those that were granted had been there, in ms, in all. */
  waitedMs: number
}

export const noDoings = (): Doings => ({ made: 0, granted: 0, finished: 0, failed: 0, waitedMs: 0 })

/** What was done in the last hour, by the minute. In memory: a start begins with nothing. */
export interface Hour {
  add(doings: Doings): void
  /** Each minute, oldest first, the present one last. */
  minutes(): Minute[]
}

/** @param now Milliseconds that only rise. */
export function createHour(now: () => number): Hour {
  const kept = new Map<number, Doings>()
  const minuteNow = () => Math.floor(now() / MINUTE_MS)

  return {
    add(doings) {
      const minute = minuteNow()
      const sum = kept.get(minute)
      if (sum === undefined) {
        kept.set(minute, { ...doings })
        for (const old of kept.keys()) if (old <= minute - MINUTES) kept.delete(old)
        return
      }
      sum.made += doings.made
      sum.granted += doings.granted
      sum.finished += doings.finished
      sum.failed += doings.failed
      sum.waitedMs += doings.waitedMs
    },
    minutes() {
      const last = minuteNow()
      return Array.from({ length: MINUTES }, (_, at) => {
        const { made, granted, finished, failed, waitedMs } = kept.get(last - MINUTES + 1 + at) ?? noDoings()
        return { made, finished, failed, ...(granted > 0 && { waitMs: Math.round(waitedMs / granted) }) }
      })
    },
  }
}
