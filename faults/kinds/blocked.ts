import { setTimeout as delay } from 'node:timers/promises'
import { whileStill } from '../../test/system/still.ts'
import type { Fault } from '../fault.ts'
import type { Journal } from '../journal.ts'
import { percentile } from '../percentile.ts'

/** How long the event loop stands still, in ms. */
const BLOCK_MS = 5_000

export const blockedLoop: Fault = {
  name: 'T26',
  says: 'the event loop of one of two masters stands still for 5 s',
  rounds: { full: 10, short: 0 },
  async run({ rounds, open }) {
    const scene = await open({ system: { counts: { master: 2 } } })
    const { system, journal } = scene
    const before: number[] = []
    const meanwhile: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      before.push(...(await timesOf(journal, BLOCK_MS / 2)))
      // Standing still is all that can be told of it from outside, whatever keeps it from going on.
      const times = await whileStill(system, 'master', () => timesOf(journal, BLOCK_MS))
      meanwhile.push(...times)
    }
    const show = (times: readonly number[]) =>
      `p50 ${Math.round(percentile(times, 0.5))}, p99 ${Math.round(percentile(times, 0.99))} ms`
    const says = `requests before: ${show(before)}; meanwhile: ${show(meanwhile)} of ${meanwhile.length}`
    return { figures: [{ says }], findings: await scene.end() }
  },
}

/** How long the requests took that ended in the next `lengthMs`. */
async function timesOf({ visits }: Journal, lengthMs: number): Promise<number[]> {
  const first = visits.length
  await delay(lengthMs)
  return visits.slice(first).map(({ from, to }) => to - from)
}
