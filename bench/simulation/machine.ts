import type { Events } from './events.ts'
import type { Wait } from './way.ts'

/**
 * Longest that a thread has a core while others wait for one, in ms. Linux gives more, and takes a core away at once for who
 * wakes up after a wait: on the average of both it comes to about this.
 */
const SLICE_MS = 1

/** A machine: threads that want to compute share its cores, in the order in which they came. */
export interface Machine {
  readonly cores: number
  /** So much computing, in ms of one core. */
  compute(ms: number): Wait
  /** What all cores have computed so far, in ms. */
  computedMs(): number
}

interface Burst {
  leftMs: number
  readonly ended: () => void
}

/** @param cores Infinity: as many as are wanted. */
export function createMachine(events: Events, cores: number): Machine {
  const ready: Burst[] = []
  let head = 0
  let free = cores
  let computedMs = 0

  const next = (): Burst | undefined => {
    const burst = ready[head]
    if (burst === undefined) return undefined
    head += 1
    if (head === ready.length || head === 1_024) {
      ready.splice(0, head)
      head = 0
    }
    return burst
  }
  const run = (burst: Burst) => {
    const ms = Math.min(burst.leftMs, SLICE_MS)
    burst.leftMs -= ms
    events.after(ms, () => {
      computedMs += ms
      const isDone = burst.leftMs === 0
      if (!isDone) ready.push(burst)
      const after = next()
      if (after === undefined) free += 1
      else run(after)
      if (isDone) burst.ended()
    })
  }

  return {
    cores,
    computedMs: () => computedMs,
    compute: ms => ended => {
      const burst = { leftMs: ms, ended }
      if (free === 0) ready.push(burst)
      else {
        free -= 1
        run(burst)
      }
    },
  }
}
