import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { watchOnSignal } from './watch.ts'

/** Pause between two looks at the clock, in ms. */
const LOOK_MS = 1

/** How long what is due waits for the event loop, in ms, and the share of its time in which the loop is at work. */
export interface Delays {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
  readonly busy: number
}

// What is started with this module before its own, `node --import`, measures the delay of its event loop while it is told to.
watchOnSignal(() => {
  const histogram = monitorEventLoopDelay({ resolution: LOOK_MS })
  const before = performance.eventLoopUtilization()
  histogram.enable()
  return (): Delays => {
    histogram.disable()
    const { utilization } = performance.eventLoopUtilization(before)
    // What it counts goes from one look to the next.
    const toMs = (ns: number) => Math.max(0, ns / 1e6 - LOOK_MS)
    return {
      p50Ms: toMs(histogram.percentile(50)),
      p99Ms: toMs(histogram.percentile(99)),
      longestMs: toMs(histogram.max),
      busy: utilization,
    }
  }
})
