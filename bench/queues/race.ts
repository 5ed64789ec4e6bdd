import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { openBullmq } from './bullmq.ts'
import { type Contest, compete, type Score } from './contest.ts'
import { openDatabase, openEngine } from './database.ts'
import { openPlainjob, openPlainjobServer } from './plainjob.ts'
import type { Queue } from './queue.ts'
import { findRedis } from './redis.ts'

const ROUNDS = 5
/** Comes before all: what one worker asks for in a round is too little for the engines to have compiled all of it. */
const WARM_UP: Contest = { workers: 8, tasks: 3_000 }

/** What came of a race; BullMQ takes no part in it where there is no Redis. */
export interface Race {
  readonly rounds: number
  /** Who took part, a line each: what runs, and what makes it durable. */
  readonly says: readonly string[]
  readonly heats: readonly Heat[]
}

/** One contest of it. */
export interface Heat {
  readonly workers: number
  readonly service: Score
  readonly engine: Score
  readonly bullmq?: Score
  readonly plainjob: Score
  readonly served: Score
}

/** All queues are there all the time, and keep what was finished; who has no turn does nothing. Their files are in `folder`. */
export async function runRace(contests: readonly Contest[], folder: string): Promise<Race> {
  const queues: Queue[] = []
  try {
    const open = (queue: Queue) => queues[queues.push(queue) - 1] as Queue
    const service = open(await openDatabase(mkdtempSync(join(folder, 'database-'))))
    const engine = open(openEngine(join(folder, 'engine', 'tasks.db')))
    const bullmq =
      findRedis() === undefined ? undefined : open(await openBullmq(mkdtempSync(join(folder, 'redis-'))))
    const plainjob = open(openPlainjob(join(folder, 'plainjob', 'jobs.db')))
    const served = open(await openPlainjobServer(folder, join(folder, 'plainjob-server', 'jobs.db')))

    await compete(queues, WARM_UP, 0)
    const heats: Heat[] = []
    for (const contest of contests) {
      const scores = await compete(queues, contest, ROUNDS)
      const of = (queue: Queue) => scores[queues.indexOf(queue)] as Score
      heats.push({
        workers: contest.workers,
        service: of(service),
        engine: of(engine),
        ...(bullmq && { bullmq: of(bullmq) }),
        plainjob: of(plainjob),
        served: of(served),
      })
    }
    return { rounds: ROUNDS, says: queues.map(({ name, says }) => `${name}: ${says}`), heats }
  } finally {
    for (const queue of queues) await queue.close()
  }
}
