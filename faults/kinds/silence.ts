import { uniqueImage } from '../../test/images/noise.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault, Figure } from '../fault.ts'
import { createHand } from '../hand.ts'
import { createInner } from '../inner.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'

/** The leases that a database gives unless it is told otherwise, in ms: to who renews, and to who cannot. */
const LEASE_MS = 15_000
const PLAIN_LEASE_MS = 120_000
/** Goal G8: how much later than its lease an abandoned task may be back, and how long a worker may keep one that is told to end. */
const LATE_MS = 1_000
/** How long a hand waits for a task, in seconds; uploads and asks at once; tasks that a worker runs when it is told to end. */
const TAKE_SECONDS = 10
const AT_ONCE = 10
const UNDER_WAY = 20

export const silence: Fault = {
  name: 'T33',
  says: 'holders that say nothing any more, with the leases that are standard: who renews, who cannot; a worker told to end',
  rounds: { full: 50, short: 0 },
  async run({ rounds, open }) {
    const scene = await open({ system: { env: { LEASE_MS: String(LEASE_MS) } }, lanes: 0 })
    const { system } = scene
    const figures: Figure[] = []
    await scene.during(async () => {
      await system.kill('worker', 'SIGTERM')
      const leased = await abandon(scene, rounds, takerOf(scene, true))
      const plain = await abandon(scene, rounds, takerOf(scene, false))
      const late = await Promise.all([leased.lateMs(LEASE_MS), plain.lateMs(PLAIN_LEASE_MS)])
      figures.push(
        figureOf(`${rounds} tasks of silent holders, each with its lease of ${LEASE_MS / 1_000} s`, late[0]),
      )
      figures.push(figureOf(`${rounds} with the original’s ${PLAIN_LEASE_MS / 1_000} s`, late[1]))
      await system.start('worker')
    })
    const kept: number[] = []
    for (let round = 0; round < rounds / 10; round += 1)
      await scene.during(async () => void kept.push(await endWorker(scene)))
    const most = Math.max(0, ...kept)
    figures.push({
      says: `a worker told to end ${kept.length} times, ${UNDER_WAY} tasks before it: none is held after at most ${Math.round(most)} ms`,
      goal: 'G8',
      isReached: most <= LATE_MS,
    })
    return { figures, findings: await scene.end() }
  },
}

function figureOf(what: string, lateMs: readonly number[]): Figure {
  const [p50, most] = [percentile(lateMs, 0.5), Math.max(...lateMs)].map(Math.round)
  return {
    says: `${what}: back p50 ${p50} ms, at most ${most} ms after its end`,
    goal: 'G8',
    isReached: Math.min(...lateMs) >= -LATE_MS && Math.max(...lateMs) <= LATE_MS,
  }
}

type Take = () => Promise<number | undefined>

/** Takes a task at a master, as a worker with a name does, or as an original one: without a name, a token, or patience. Gives its id. */
function takerOf({ system }: Scene, isLeased: boolean): Take {
  const hand = createHand(system, 'silent')
  if (isLeased) return async () => (await hand.take(TAKE_SECONDS))?.id
  const inner = createInner(system.secret)
  return async () => (await inner.json<{ id: number }>(`${system.urls.master}/getNewTask`, 'POST'))?.id
}

/** Uploads images, takes their tasks, and says nothing of them. Gives how long after each lease its task was back. */
async function abandon({ watch, upload, ...scene }: Scene, count: number, take: Take) {
  const seed = scene.journal.promises.length
  const heldFrom = new Map<number, number>()
  const back = new Map<number, number>()
  watch.onChange(({ id, state }) => {
    if (state !== 1 && heldFrom.has(id) && !back.has(id)) back.set(id, performance.now())
  })
  for (let begun = 0; begun < count; begun += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) => upload(uniqueImage(9_000_000 + seed + begun + i))),
    )
  while (heldFrom.size < count) {
    const id = await take()
    if (id === undefined) throw new Error('no task came')
    heldFrom.set(id, performance.now())
  }
  return {
    async lateMs(leaseMs: number): Promise<number[]> {
      await waitFor('all of them back', () => back.size === count, leaseMs + 30_000)
      return [...heldFrom].map(([id, from]) => (back.get(id) ?? Number.POSITIVE_INFINITY) - from - leaseMs)
    },
  }
}

/** Gives how long after SIGTERM a worker held a task, in ms. */
async function endWorker({ system, watch, journal, upload }: Scene): Promise<number> {
  const seed = journal.promises.length
  const isHeld = () => [...watch.seen.values()].some(({ task }) => task.state === 1)
  const uploads = Array.from({ length: UNDER_WAY }, (_, i) => upload(uniqueImage(9_500_000 + seed + i)))
  await waitFor('a task in progress', isHeld)
  const from = performance.now()
  const ended = system.kill('worker', 'SIGTERM')
  await waitFor('none in progress', () => !isHeld())
  const heldMs = performance.now() - from
  await Promise.all([ended, ...uploads])
  await system.start('worker')
  return heldMs
}
