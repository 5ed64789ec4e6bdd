import { randomUUID } from 'node:crypto'
import { utimesSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { type Failpoint, failpoints } from '../../kit/failpoints.ts'
import type { Service } from '../../scripts/services.ts'
import { uniqueImage } from '../../test/images/noise.ts'
import type { Deployment } from '../deployment.ts'
import type { Fault } from '../fault.ts'
import { createFindings } from '../findings.ts'
import { createHand, type Hand, type Held } from '../hand.ts'
import { createInner } from '../inner.ts'
import type { Scene, SceneOptions } from '../scene.ts'

/** `error` goes on until the service is started anew. */
const modes = ['crash', 'error once', 'error'] as const
/** The pass at which a step fails, so that the service gets to work first; but for those that are passed once, at the start. */
const PASSES = 3
const atStart: readonly Failpoint[] = ['kv-store.file.opened', 'database.file.opened', 'storage.folders.made']
type Mode = (typeof modes)[number]
/** Those that are reached only where tasks are old enough to go: they are tried where nothing is kept for long. */
const ofRetention: readonly Failpoint[] = ['master.task.swept', 'master.result.swept', 'master.upload.swept']
/** What else has to fail for a step to be reached: a task is handed back whose upload cannot be had. */
const besides: Partial<Record<Failpoint, string>> = { 'worker.task.released': 'worker.upload.fetched=error' }
/**
 * How long a step may take to be reached, in ms: a master goes over all images for some of them, a thousand a second. And how long one that
 * fails for ever does so.
 */
const REACH_MS = 180_000
const FOREVER_MS = 2_000
/** Asks for a task at a time: whoever asks most is served first, and a worker asks eight times a core. */
const ASKS = 20 * availableParallelism()
/** Pause between two rounds of what reaches the rarer steps, in ms. */
const DRIVE_MS = 50

/** What orphans are for the masters, so that they sweep while this runs; retention stays long. */
const env = { ORPHAN_MS: '5000', SWEEP_MS: '1000' }
/** Where tasks expire as well. A picture is fetched long before that. */
const forgetful = { ...env, RETENTION_MS: '3000' }

const pairs = modes.flatMap(mode => Object.keys(failpoints).map(step => ({ step: step as Failpoint, mode })))

export const failedSteps: Fault = {
  name: 'T3',
  says: 'a crash, an error once, an error for ever at every durable step',
  rounds: { full: pairs.length, short: 1 },
  async run({ rounds, random, open, say }) {
    const chosen = pairs.map(pair => ({ ...pair, place: random.next() })).sort((a, b) => a.place - b.place)
    const tried = chosen.slice(0, rounds)
    const reached = new Map<Failpoint, Set<Mode>>()
    const findings = createFindings()
    let acknowledged = 0
    const tryIn = async (these: typeof tried, options: SceneOptions) => {
      if (these.length === 0) return
      const counts = { worker: 2 }
      const scene = await open({
        ...options,
        system: { ...options.system, failpoints: {}, counts },
        pauseMs: 50,
      })
      for (const { step, mode } of these)
        if (await failAt(scene, step, mode)) reached.set(step, (reached.get(step) ?? new Set()).add(mode))
        else say(`${step} was not reached within ${REACH_MS} ms (${mode})`)
      acknowledged += scene.journal.promises.length
      findings.add(await scene.end())
    }
    const isOld = ({ step }: { step: Failpoint }) => ofRetention.includes(step)
    await tryIn(
      tried.filter(pair => !isOld(pair)),
      { system: { env } },
    )
    await tryIn(tried.filter(isOld), { system: { env: forgetful }, isForgetful: true })
    const steps = new Set(tried.map(({ step }) => step)).size
    const times = [...reached.values()].reduce((sum, found) => sum + found.size, 0)
    const whole = [...reached.values()].filter(found => found.size === modes.length).length
    const says = `${times} failures at ${reached.size} of ${steps} steps, ${whole} of them in all three ways; ${acknowledged} uploads acknowledged`
    return { figures: [{ says, goal: 'G3', isReached: whole === steps && !findings.isBroken() }], findings }
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
    if (step === 'storage.leftover.swept') leaveFiles(system)
    // One that fails while it starts is not ready.
    await system.start(service, armed(step, mode)).catch(() => {})
    const deadline = performance.now() + REACH_MS
    while (failures() === before && performance.now() < deadline) {
      await reachSteps(scene)
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
  const first = atStart.includes(step) ? 1 : PASSES
  const action = mode === 'error once' ? `${step}=error@${first}*1` : `${step}=${mode}@${first}`
  return step in besides ? `${besides[step]},${action}` : action
}

/** What a process that is no more has left, long ago. */
function leaveFiles({ dataDir }: Deployment): void {
  for (let i = 0; i < PASSES; i += 1) {
    const path = join(dataDir, 'storage', 'incoming', randomUUID())
    writeFileSync(path, 'half an image')
    utimesSync(path, 0, 0)
  }
}

/** A picture whose header is whole and whose pixels are not. */
function brokenImage(image: number): Buffer {
  const bytes = uniqueImage(image)
  return bytes.fill(0, bytes.length >> 1)
}

/**
 * What the crowd does not do: plain values, images without a task, broken ones, pictures that are deleted, leases that last
 * long enough to be renewed, and what those do who know a master alone: an upload, and the tasks of a worker.
 */
async function reachSteps({ system, visitor, watch }: Scene): Promise<void> {
  const { urls, secret } = system
  const inner = createInner(secret)
  const hand = createHand(system, 'renewing')
  const image = 2 ** 50 + Math.floor(Math.random() * 2 ** 49)
  const send = (path: string) =>
    request(`${urls.storage}${path}`, { method: 'POST', body: uniqueImage(image) })
      .then(({ body }) => body.dump())
      .catch(() => {})
  await inner.ask(`${urls['kv-store']}/set?key=tried&value=${randomUUID()}`, 'POST')
  await inner.ask(`${urls['kv-store']}/remove?key=tried`, 'DELETE')
  await send(`/sendImage?id=${image}&state=finished&attempt=1`)
  await send(`/sendImage?id=${image}&state=working`)
  await visitor.upload({ image, bytes: brokenImage(image), isJudged: true })
  const unwanted = await visitor.upload({ image, bytes: uniqueImage(image), isJudged: true })
  if (unwanted !== undefined) watch.leave(Number(unwanted))
  await inner.ask(`${urls.master}/delete?id=${unwanted ?? image + 1}`, 'DELETE')
  await inner.ask(`${urls.master}/new`, 'POST', uniqueImage(image))
  const held = await Promise.all(Array.from({ length: ASKS }, () => hand.take(1)))
  for (const one of held) {
    if (one === undefined) continue
    await hand.say('renewTask', one)
    if (!(await finish(hand, one))) await hand.say('releaseTask', one)
  }
}

/**
 * Finishes a task through a master, as a worker does that knows nobody else; false when its upload cannot be had, or is broken, or its
 * result cannot be stored.
 */
async function finish(hand: Hand, held: Held): Promise<boolean> {
  const result = await hand.swap(held).catch(() => undefined)
  if (result === undefined) return false
  const stored = await hand.store(held, result)
  if (stored?.status !== 200) return false
  await hand.say('registerTaskFinished', held)
  return true
}
