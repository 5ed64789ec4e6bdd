import { cpuOf, ownCpuMs } from '../cpu.ts'
import { cleanUp } from '../garbage.ts'
import type { Queue } from './queue.ts'

/** Who races, and how far. */
export interface Contest {
  readonly workers: number
  /** How many tasks each queue gives out in a turn. */
  readonly tasks: number
}

/** What taking a task and finishing it took at one queue, a figure a round, in ms a task. */
export interface Score {
  readonly name: string
  readonly ms: readonly number[]
  /** CPU time of the process that keeps the tasks, 0 where there is none, and of the one that all workers are in. */
  readonly serverMs: readonly number[]
  readonly clientMs: readonly number[]
}

interface Took {
  readonly ms: number
  readonly serverMs: number
  readonly clientMs: number
}

/** Lets the queues take turns, in each round another one first. The scores are in the order of the queues. */
export async function compete(queues: readonly Queue[], contest: Contest, rounds: number): Promise<Score[]> {
  const turns = new Map<Queue, Took[]>(queues.map(queue => [queue, []]))
  // Round 0 only warms up: engines compile what is used much, at the cost of whoever runs then.
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % queues.length
    for (const queue of [...queues.slice(first), ...queues.slice(0, first)]) {
      const took = await turnOf(queue, contest)
      if (round > 0) turns.get(queue)?.push(took)
    }
  }
  return [...turns].map(([{ name }, all]) => ({
    name,
    ms: all.map(({ ms }) => ms),
    serverMs: all.map(({ serverMs }) => serverMs),
    clientMs: all.map(({ clientMs }) => clientMs),
  }))
}

async function turnOf(queue: Queue, { workers, tasks }: Contest): Promise<Took> {
  const finishedBefore = await queue.countFinished()
  await queue.add(tasks)
  await cleanUp()
  const before = readClocks(queue)
  await queue.drain(workers)
  const after = readClocks(queue)
  const finished = (await queue.countFinished()) - finishedBefore
  if (finished !== tasks) throw new Error(`${queue.name} has finished ${finished} tasks of ${tasks}`)
  return {
    ms: (after.ms - before.ms) / tasks,
    serverMs: (after.serverMs - before.serverMs) / tasks,
    clientMs: (after.clientMs - before.clientMs) / tasks,
  }
}

function readClocks({ pid }: Queue): Took {
  return {
    ms: performance.now(),
    serverMs: pid === undefined ? 0 : cpuOf(pid),
    clientMs: ownCpuMs(),
  }
}
