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
    const before: Stretch[] = []
    const meanwhile: Stretch[] = []
    for (let round = 0; round < rounds; round += 1) {
      before.push(await stretchOf(journal, BLOCK_MS / 2))
      // Standing still is all that can be told of it from outside, whatever keeps it from going on.
      meanwhile.push(await whileStill(system, 'master', () => stretchOf(journal, BLOCK_MS)))
    }
    // Those that waited for its end have been answered by then.
    const findings = await scene.end()
    const [usual, beside] = [before, meanwhile].map(stretches => timesOf(journal, stretches))
    const show = (times: readonly number[] = []) =>
      `p50 ${Math.round(percentile(times, 0.5))}, p99 ${Math.round(percentile(times, 0.99))} ms of ${times.length}`
    const stuck = beside?.filter(ms => ms > BLOCK_MS / 2).length
    const says = `requests begun before: ${show(usual)}; meanwhile: ${show(beside)}, ${stuck} of them waited for its end`
    return { figures: [{ says }], findings }
  },
}

/** From when to when, in ms of the journal's clock. */
interface Stretch {
  readonly from: number
  readonly to: number
}

async function stretchOf({ now }: Journal, lengthMs: number): Promise<Stretch> {
  const from = now()
  await delay(lengthMs)
  return { from, to: now() }
}

/** How long the requests took that began in one of these stretches, in ms. */
function timesOf({ visits }: Journal, stretches: readonly Stretch[]): number[] {
  return visits
    .filter(visit => stretches.some(({ from, to }) => visit.from >= from && visit.from < to))
    .map(({ from, to }) => to - from)
}
