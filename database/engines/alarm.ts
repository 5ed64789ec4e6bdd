/** Longest a timer is set for, in ms: what it is set for may have moved meanwhile, so it looks again. */
const LONGEST_MS = 60_000

/** One timer that rings at the next moment at which something is due. It keeps no process alive. */
export interface Alarm {
  /** Sets it for that time of `now`, instead of what it was set for; `undefined` sets it for never. */
  setFor(at: number | undefined): void
}

export function createAlarm(now: () => number, ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined
  let setAt: number | undefined

  return {
    setFor(at) {
      if (at === setAt && timer !== undefined) return
      clearTimeout(timer)
      timer = undefined
      setAt = at
      if (at === undefined) return
      const restMs = Math.min(Math.max(at - now(), 1), LONGEST_MS)
      timer = setTimeout(() => {
        timer = undefined
        ring()
      }, restMs).unref()
    },
  }
}
