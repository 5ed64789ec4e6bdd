import { setTimeout as delay } from 'node:timers/promises'
import { uniqueImage } from '../../test/images/noise.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault } from '../fault.ts'
import { createHand, type Hand, type Held, type Word } from '../hand.ts'
import { createInner } from '../inner.ts'
import type { Scene } from '../scene.ts'

/** Tasks that the stopped worker holds at once, and those held by hand beside it. */
const THREADS = 8
const BY_HAND = 2
/** Time under load before a worker is stopped, in ms: up to this. */
const LOAD_MS = 300
/** How long others may take to do what was held, and a worker that goes on to be done with it, in ms. */
const WAIT_MS = 60_000
/** How long a hand waits for a task, in seconds. */
const TAKE_SECONDS = 5
/** All that a holder may say. */
const words: readonly Word[] = ['renewTask', 'releaseTask', 'failTask', 'registerTaskFinished']

export const zombies: Fault = {
  name: 'T10',
  says: 'zombies: a worker stopped past its leases, others finish, it goes on; some held by hand, which then say all there is to say',
  rounds: { full: 25, short: 1 },
  async run({ rounds, random, open }) {
    const scene = await open({
      system: { counts: { worker: 2 }, env: { WORKER_THREADS: String(THREADS) } },
      lanes: 4,
      pauseMs: 20,
    })
    const counts = { zombies: 0, words: 0, refused: 0, overwritten: 0 }
    for (let round = 0; round < rounds; round += 1) {
      await delay(random.below(LOAD_MS))
      await scene.during(() => raiseZombies(scene, counts))
    }
    const findings = await scene.end()
    const { words, refused, overwritten } = counts
    const says = `${counts.zombies} zombies, ${refused} of ${words} words of theirs refused, ${overwritten} results overwritten`
    return { figures: [{ says, goal: 'G4', isReached: refused === words && overwritten === 0 }], findings }
  },
}

interface Counts {
  zombies: number
  words: number
  refused: number
  overwritten: number
}

/** A task that its holder lost without knowing it, and what became of it. */
interface Zombie {
  readonly id: number
  /** The attempt that was lost. */
  readonly attempt: number
}

async function raiseZombies(scene: Scene, counts: Counts): Promise<void> {
  const { system, watch } = scene
  await system.kill('worker-2', 'SIGTERM')
  const stopped = system.pids().worker
  if (stopped === undefined) throw new Error('there is no worker to be stopped')
  process.kill(stopped, 'SIGSTOP')
  const hand = createHand(system, 'hand')
  const held: Held[] = []
  const running = () => [...watch.seen.values()].map(({ task }) => task).filter(({ state }) => state === 1)
  try {
    // What it asked for before is still given to it; what it holds for longer than its lease it holds no more.
    const isFull = () => running().length >= THREADS
    await waitFor('tasks that the stopped worker holds', isFull, system.leaseMs / 2).catch(() => {})
    while (held.length < BY_HAND) held.push(await takeOne(scene, `hand-${held.length}`))
    await waitFor('them to be seen', () => held.every(({ id }) => running().some(task => task.id === id)))
    const zombies = running().map(({ id, attempt = 0 }): Zombie => ({ id, attempt }))
    await sayBesideAnother(scene, zombies, held, counts)
    await system.start('worker-2')
    const isDone = ({ id }: Zombie) => (watch.seen.get(id)?.task.state ?? 0) >= 2
    await waitFor('others to finish them', () => zombies.every(isDone), WAIT_MS)
    const before = await Promise.all(zombies.map(zombie => lookAt(scene, zombie)))

    process.kill(stopped, 'SIGCONT')
    await untilIdle(scene)
    for (const zombie of held) await sayAll(scene, hand, zombie, counts)
    counts.zombies += zombies.length
    for (const [i, zombie] of zombies.entries())
      if ((await lookAt(scene, zombie)) !== before[i]) counts.overwritten += 1
  } finally {
    process.kill(stopped, 'SIGCONT')
  }
}

/** While somebody else holds the tasks, one of those held by hand has its say: all of it is refused. */
async function sayBesideAnother(
  scene: Scene,
  zombies: readonly Zombie[],
  held: readonly Held[],
  counts: Counts,
) {
  const [zombie] = held
  if (zombie === undefined) return
  await waitFor('its lease to be over', () => scene.watch.seen.get(zombie.id)?.task.state === 0, WAIT_MS)
  const taken: Held[] = []
  while (taken.length < zombies.length && taken.at(-1)?.id !== zombie.id)
    taken.push(await takeOne(scene, `other-${taken.length}`))
  const hand = createHand(scene.system, 'hand')
  if (taken.at(-1)?.id === zombie.id) await sayAll(scene, hand, zombie, counts)
  for (const one of taken) await hand.say('releaseTask', one)
}

/** A worker of its own for each task: one that is to run a task alone is given no other. */
async function takeOne({ system }: Scene, name: string): Promise<Held> {
  const held = await createHand(system, name).take(TAKE_SECONDS)
  if (held === undefined) throw new Error('no task came')
  return held
}

/** Resolves once the worker that went on holds none of its old tasks any more. */
async function untilIdle({ system }: Scene): Promise<void> {
  const inner = createInner(system.secret)
  const look = async () => {
    const health = await inner.json<{ running: number }>(`${system.urls.worker}/health`)
    return health?.running === 0
  }
  await waitFor('a worker that is done with what it held', look, WAIT_MS)
}

/** Another image as its result, and then every word a holder has: each has to be refused. */
async function sayAll({ findings }: Scene, hand: Hand, held: Held, counts: Counts): Promise<void> {
  await hand.store(held, uniqueImage(held.id))
  for (const word of words) {
    const told = await hand.say(word, held)
    counts.words += 1
    if (told?.status === 409) counts.refused += 1
    else findings.broke('I4', `${word} of a zombie, task ${held.id}, was answered with ${told?.status}`)
  }
}

/** Which attempt is the result of a task that a zombie once held, and its bytes. */
async function lookAt({ system, watch, findings }: Scene, { id, attempt }: Zombie): Promise<string> {
  const task = watch.seen.get(id)?.task
  if (task?.state !== 2 || task.result === attempt)
    findings.broke('I4', `task ${id} of a zombie has state ${task?.state} and the result ${task?.result}`)
  const url = `${system.urls.storage}/getImage?id=${id}&state=finished&attempt=${task?.result}`
  const told = await createInner(system.secret).ask(url)
  return `${task?.result} ${told?.status} ${told?.bytes.toString('latin1')}`
}
