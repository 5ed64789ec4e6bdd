import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { type Failpoint, failpoints } from '../../kit/failpoints.ts'
import type { Service } from '../../scripts/services.ts'
import { uniqueImage } from '../../test/images/noise.ts'
import type { Deployment } from '../deployment.ts'
import type { Fault } from '../fault.ts'
import { createInner } from '../inner.ts'
import type { Scene } from '../scene.ts'

/** `error` goes on until the service is started anew. */
const modes = ['crash', 'error once', 'error'] as const
/** Steps that are passed once, at the start. All others fail from the third pass on, so that the service gets to work first. */
const atStart: readonly Failpoint[] = ['kv-store.file.opened', 'database.file.opened', 'storage.folders.made']
type Mode = (typeof modes)[number]
/** How long a step may take to be reached, in ms, and how long one that fails for ever does so. */
const REACH_MS = 10_000
const FOREVER_MS = 2_000
/** Pause between two rounds of what reaches the rarer steps, in ms. */
const DRIVE_MS = 50

/** What old images and orphans are for the masters, so that they sweep while this runs; retention stays long. */
const env = { ORPHAN_MS: '5000', SWEEP_MS: '1000' }

const pairs = modes.flatMap(mode => Object.keys(failpoints).map(step => ({ step: step as Failpoint, mode })))

export const failedSteps: Fault = {
  name: 'T3',
  says: 'a crash, an error once, an error for ever at every durable step',
  rounds: { full: pairs.length, short: 1 },
  async run({ rounds, random, open, say }) {
    const scene = await open({ system: { failpoints: {}, env, counts: { worker: 2 } }, pauseMs: 50 })
    const chosen = pairs.map(pair => ({ pair, place: random.next() })).sort((a, b) => a.place - b.place)
    const reached = new Map<Failpoint, Set<Mode>>()
    for (const { pair } of chosen.slice(0, rounds)) {
      const { step, mode } = pair
      if (await failAt(scene, step, mode)) reached.set(step, (reached.get(step) ?? new Set()).add(mode))
      else say(`${step} was not reached within ${REACH_MS} ms`)
    }
    const tried = new Set(chosen.slice(0, rounds).map(({ pair }) => pair.step)).size
    const times = [...reached.values()].reduce((sum, found) => sum + found.size, 0)
    const whole = [...reached.values()].filter(found => found.size === modes.length).length
    const says = `${times} failures at ${reached.size} of ${tried} steps, ${whole} of them in all three ways; ${scene.journal.promises.length} uploads acknowledged`
    const findings = await scene.end()
    return { figures: [{ says, goal: 'G3', isReached: whole >= 20 && !findings.isBroken() }], findings }
  },
}

/** Has the service of a step fail there; true once it did. In the end it runs without, and a picture goes through. */
async function failAt(scene: Scene, step: Failpoint, mode: Mode): Promise<boolean> {
  const { system } = scene
  const service = step.slice(0, step.indexOf('.')) as Service
  const failures = () => system.log(service).split(`failpoint ${step}: `).length
  const before = failures()
  let hasFailed = false
  await scene.during(async () => {
    await system.kill(service)
    // One that fails while it starts is not ready.
    await system.start(service, armed(step, mode)).catch(() => {})
    const deadline = performance.now() + REACH_MS
    while (failures() === before && performance.now() < deadline) {
      await reachSteps(system)
      await delay(DRIVE_MS)
    }
    hasFailed = failures() > before
    if (hasFailed && mode === 'error') await delay(FOREVER_MS)
    await system.kill(service)
    await system.start(service)
  })
  return hasFailed
}

function armed(step: Failpoint, mode: Mode): string {
  const first = atStart.includes(step) ? 1 : 3
  return mode === 'error once' ? `${step}=error@${first}*1` : `${step}=${mode}@${first}`
}

/** What visitors do not do: plain values, images without a task, and pictures that are deleted. */
async function reachSteps({ urls, secret }: Deployment): Promise<void> {
  const inner = createInner(secret)
  const orphan = 2 ** 50 + Math.floor(Math.random() * 2 ** 49)
  const send = (path: string) =>
    request(`${urls.storage}${path}`, { method: 'POST', body: uniqueImage(orphan) })
      .then(({ body }) => body.dump())
      .catch(() => {})
  await inner.ask(`${urls['kv-store']}/set?key=tried&value=${randomUUID()}`, 'POST')
  await inner.ask(`${urls['kv-store']}/remove?key=tried`, 'DELETE')
  await send(`/sendImage?id=${orphan}&state=finished&attempt=1`)
  await send(`/sendImage?id=${orphan}&state=working`)
  await inner.ask(`${urls.master}/delete?id=${orphan + 1}`, 'DELETE')
}
