import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../../scripts/failure.ts'
import { portSettings } from '../../scripts/services.ts'
import type { Fault } from '../fault.ts'
import { createInner } from '../inner.ts'
import type { Scene } from '../scene.ts'

/** Load before each end, in ms. */
const LOAD_MS = 500
/** How long an address may stand in the kv-store once its service was told to end, in ms. */
const GONE_MS = 1_000
const LOOK_MS = 5

export const orderlyEnd: Fault = {
  name: 'T9',
  says: 'SIGTERM of each service under load, and rolling restarts of all',
  rounds: { full: 20, short: 0 },
  worksAnywhere: true,
  async run({ rounds, random, open }) {
    const scene = await open({ isSupervised: true, system: { counts: { worker: 2 } }, pauseMs: 150 })
    const { system, journal } = scene
    if (system.roll === undefined) throw new Failure('nobody there to replace its processes')
    const exits: number[] = []
    const gone: number[] = []
    const first = random.below(portSettings.length)
    for (let round = 0; round < rounds; round += 1) {
      const { service } = portSettings[(first + round) % portSettings.length] ?? { service: 'master' }
      await delay(LOAD_MS)
      const [exitMs, goneMs] = await endOne(scene, service)
      exits.push(exitMs)
      if (service !== 'kv-store') gone.push(goneMs)
      await delay(LOAD_MS)
      await system.roll()
    }
    const failed = journal.visits.filter(({ status }) => status !== 200)
    const says = `${rounds} rolling restarts and ${rounds} SIGTERM: ${journal.visits.length} requests, ${failed.length} failed`
    return {
      figures: [
        { says, goal: 'G12', isReached: failed.length === 0 },
        { says: `longest time to exit ${longest(exits)} ms` },
        {
          says: `address gone from the kv-store after at most ${longest(gone)} ms`,
          goal: 'G10',
          isReached: longest(gone) <= GONE_MS,
        },
      ],
      findings: await scene.end(),
    }
  },
}

const longest = (times: readonly number[]) => Math.round(Math.max(0, ...times))

/** Tells a service to end; gives how long its process and its address stayed, in ms. Its supervisor starts it again. */
async function endOne(
  { system }: Scene,
  service: (typeof portSettings)[number]['service'],
): Promise<[number, number]> {
  const inner = createInner(system.secret)
  const entries = async () => {
    const url = `${system.urls['kv-store']}/getAll?key=${service}Address`
    return (await inner.json<{ instance?: string }[]>(url)) ?? []
  }
  const health = await inner.json<{ instance: string }>(`${system.urls[service]}/health`)
  const from = performance.now()
  const since = () => performance.now() - from
  const goneIn = async () => {
    if (service === 'kv-store') return 0
    while ((await entries()).some(({ instance }) => instance === health?.instance)) await delay(LOOK_MS)
    return since()
  }
  const exitIn = async () => {
    await system.kill(service, 'SIGTERM')
    return since()
  }
  const times = await Promise.all([exitIn(), goneIn()])
  await system.start(service)
  return times
}
