import { setTimeout as delay } from 'node:timers/promises'
import type { Task } from '../database/contract.ts'
import type { Deployment } from './deployment.ts'
import type { Findings } from './findings.ts'
import { createInner, type Inner } from './inner.ts'
import { startLag } from './lag.ts'

/** How long one ask for changes is held, in seconds. */
const WAIT_SECONDS = 1
/** Pause after an ask that nobody answered, in ms; how long it may become where it is asked for one image again and again. */
const AGAIN_MS = 20
const MOST_AGAIN_MS = 1_000
/** How much later than it happened a change may be seen here, in ms, and how many times the lag of this process more. */
const LATE_MS = 1_000
const LAGS = 3

/** The states that may come after one, seen with some left out between. */
const after: Readonly<Record<number, readonly number[]>> = {
  0: [0, 1, 2, 3],
  1: [0, 1, 2, 3],
  2: [2],
  3: [3],
}
const MOST_ERRORS = 3
const MOST_LOSSES = 5

interface Seen {
  readonly task: Task
  /** When it was first seen like that, in ms. */
  readonly at: number
}

/** Follows every change of every task while a fault is tried, and holds what it sees against I3, I5 and I6. */
export interface Watch {
  readonly seen: ReadonlyMap<number, Seen>
  /** How many tasks wait or run, as far as is known. */
  open(): number
  /** How often a task was asked for its image while a worker could see it, as soon as one could to begin with. */
  probes(): number
  /** No longer looks at a task: somebody is about to delete it, and its image with it. */
  leave(id: number): void
  /** Called with every change. */
  onChange(hear: (task: Task, before: Task | undefined) => void): void
  stop(): Promise<void>
}

export interface WatchOptions {
  readonly findings: Findings
  /** While it is so, what a lease should do may be just what the fault prevents: I6 counts from then on. */
  readonly isDisturbed: () => boolean
  /** How many ask for the images of open tasks all the time, one after the other. */
  readonly probers: number
}

export function startWatch(deployment: Deployment, { findings, isDisturbed, probers }: WatchOptions): Watch {
  const { urls, leaseMs } = deployment
  const inner = createInner(deployment.secret)
  const seen = new Map<number, Seen>()
  const hearers: ((task: Task, before: Task | undefined) => void)[] = []
  const probing = new Set<Promise<void>>()
  const open = new Set<number>()
  const left = new Set<number>()
  let probes = 0
  let isOver = false
  const lag = startLag()
  for (const invariant of ['I3', 'I5', 'I6'] as const) findings.look(invariant)

  const probe = async (id: number) => {
    const status = await statusOf(inner, `${urls.storage}/getImage?id=${id}&state=working`, () => isOver)
    probes += 1
    if (status === 404 && !left.has(id)) findings.broke('I3', `task ${id} has no image`)
  }
  const see = (task: Task) => {
    const before = seen.get(task.id)?.task
    const wrong = wrongStep(before, task)
    if (wrong !== undefined) findings.broke('I5', `task ${task.id}: ${wrong}`)
    seen.set(task.id, { task, at: performance.now() })
    if (isOpen(task) && !left.has(task.id)) open.add(task.id)
    else open.delete(task.id)
    if (before === undefined) {
      const running: Promise<void> = probe(task.id).finally(() => probing.delete(running))
      probing.add(running)
    }
    for (const hear of hearers) hear(task, before)
  }
  const inProgress = () =>
    [...open].flatMap(id => {
      const sight = seen.get(id)
      return sight?.task.state === 1 ? [[id, sight] as const] : []
    })
  /** Leases run anew from a start of the database, so that what was seen before counts from then on. */
  const forgetTimes = () => {
    for (const [id, { task }] of inProgress()) seen.set(id, { task, at: performance.now() })
  }
  /** A renewal is no change: whether a task that is held for long was renewed has to be asked. */
  const lookForOverdue = async () => {
    for (const [id, { task, at }] of inProgress()) {
      if (performance.now() - at <= leaseMs + 1_000 + LATE_MS) continue
      const now = await inner.json<Task>(`${urls.database}/getById?id=${id}`)
      const overMs = now?.state === 1 ? -(now.leaseEndsInMs ?? 0) : 0
      if (overMs > 1_000 + LAGS * lag.ms())
        findings.broke('I6', `task ${id} is in progress ${Math.round(overMs)} ms past its lease`)
      seen.set(id, { task, at: performance.now() })
    }
  }
  const follow = async () => {
    // What was there before is not looked at: one number beyond all gives the last one.
    let since = Number.MAX_SAFE_INTEGER
    while (!isOver) {
      const page = await inner.json<{ revision: number; tasks: Task[] }>(
        `${urls.database}/changes?since=${since}&wait=${WAIT_SECONDS}`,
      )
      if (page === undefined) {
        forgetTimes()
        await delay(AGAIN_MS)
        continue
      }
      since = page.revision
      for (const task of page.tasks) see(task)
      if (isDisturbed()) forgetTimes()
      else await lookForOverdue()
    }
  }
  const keepProbing = async () => {
    while (!isOver) {
      // What ends and what begins meanwhile leaves this round, or joins it.
      for (const id of open) if (!isOver) await probe(id)
      await delay(open.size === 0 ? AGAIN_MS : 0)
    }
  }
  const following = Promise.all([follow(), ...Array.from({ length: probers }, keepProbing)])

  return {
    seen,
    open: () => open.size,
    probes: () => probes,
    leave(id) {
      left.add(id)
      open.delete(id)
    },
    onChange: hear => void hearers.push(hear),
    async stop() {
      isOver = true
      lag.stop()
      await following
      await Promise.all(probing)
    },
  }
}

const isOpen = ({ state }: Task) => state < 2

/** What is wrong with a step from one sight of a task to the next. */
function wrongStep(before: Task | undefined, task: Task): string | undefined {
  if ((task.errors ?? 0) > MOST_ERRORS) return `${task.errors} errors`
  if ((task.losses ?? 0) > MOST_LOSSES) return `${task.losses} lost leases`
  if (before === undefined) return undefined
  if (!after[before.state]?.includes(task.state)) return `state ${before.state} became ${task.state}`
  if ((task.attempt ?? 0) < (before.attempt ?? 0))
    return `attempt ${before.attempt} became ${task.attempt ?? 0}`
  if (before.state === 2 && before.result !== task.result)
    return `result ${before.result} became ${task.result}`
  return undefined
}

/** The status somebody answers in the end; a service that is away says nothing about the image. */
async function statusOf(inner: Inner, url: string, isOver: () => boolean): Promise<number | undefined> {
  for (let pauseMs = AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, MOST_AGAIN_MS)) {
    const told = await inner.ask(url)
    if (told !== undefined && told.status < 500) return told.status
    if (isOver()) return undefined
    await delay(pauseMs)
  }
}
