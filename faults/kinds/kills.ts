import { setTimeout as delay } from 'node:timers/promises'
import type { Name } from '../../test/system/system.ts'
import type { Fault, Figure } from '../fault.ts'
import { looksOf } from '../looks.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'

/** Time under load before a kill, in ms: from none to this. */
const LOAD_MS = 300
/** Time that what was killed stays away, in ms: from none to this. */
const AWAY_MS = 2_000
/** Goal G1: how many uploads have to be at stake. */
const ACKNOWLEDGED = 10_000
/** Goal G9: how soon the first picture goes through after the start of a service, in ms. */
const FIRST_MS = 1_000

export const killOne: Fault = {
  name: 'T1',
  says: 'kill -9 of one service at a time under load, started again after 0 to 2 s',
  rounds: { full: 600, short: 2 },
  worksAnywhere: true,
  async run({ rounds, random, open }) {
    const scene = await open({ system: { counts: { worker: 2 } }, lanes: 4, pauseMs: 150 })
    const names = scene.system.names.filter(name => !name.endsWith('-2'))
    const firsts = new Map<Name, number[]>(names.map(name => [name, []]))
    for (let round = 0; round < rounds; round += 1) {
      const name = names[round % names.length] as Name
      await delay(random.below(LOAD_MS))
      let startedAt = 0
      await scene.during(async () => {
        await scene.system.kill(name)
        await delay(random.below(AWAY_MS))
        startedAt = performance.now()
        await scene.system.start(name)
      })
      firsts.get(name)?.push(performance.now() - startedAt)
    }
    const tried = [...firsts].filter(([, times]) => times.length > 0)
    const first = {
      says: tried.map(([name, times]) => describeFirsts(times, name)).join('; '),
      goal: 'G9',
      isReached: tried.every(([, times]) => percentile(times, 0.99) <= FIRST_MS),
    } as const
    const figures = [...figuresOf(scene, rounds, 'G1'), first]
    return { figures, findings: await scene.end() }
  },
}

export const killAll: Fault = {
  name: 'T2',
  says: 'kill -9 of everything at once, started in any order',
  rounds: { full: 50, short: 1 },
  worksAnywhere: true,
  async run({ rounds, random, open }) {
    const scene = await open({ system: { counts: { worker: 2 } }, lanes: 8, pauseMs: 5 })
    const { system } = scene
    const firsts: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      await delay(100 + random.below(LOAD_MS))
      let startedAt = 0
      await scene.during(async () => {
        await system.killAll()
        const order = system.names.map(name => ({ name, place: random.next() }))
        order.sort((a, b) => a.place - b.place)
        startedAt = performance.now()
        await Promise.all(
          order.map(async ({ name }, i) => {
            await delay(i * random.below(100))
            await system.start(name)
          }),
        )
      })
      firsts.push(performance.now() - startedAt)
    }
    const figures = [...figuresOf(scene, rounds), { says: describeFirsts(firsts, 'all') }]
    return { figures, findings: await scene.end() }
  },
}

function figuresOf({ journal, watch }: Scene, kills: number, goal?: Figure['goal']): Figure[] {
  const uploads = journal.visits.filter(({ kind }) => kind === 'upload')
  const count = (wanted: (status: unknown) => boolean) =>
    uploads.filter(({ status }) => wanted(status)).length
  const unknown = count(status => status === 'unknown')
  const unreached = count(status => status === 'unreached')
  const refused = count(status => typeof status === 'number' && status !== 200)
  const says = `${kills} kills; ${uploads.length} uploads, ${journal.promises.length} acknowledged, ${refused} refused, ${unknown} without an answer, ${unreached} that reached nobody`
  const isReached = journal.promises.length >= ACKNOWLEDGED
  return [{ says, ...(goal && { goal, isReached }) }, looksOf(watch)]
}

const describeFirsts = (firsts: readonly number[], what: string) =>
  `from the start of ${what} to the first picture: p50 ${Math.round(percentile(firsts, 0.5))} ms, p99 ${Math.round(percentile(firsts, 0.99))} ms`
