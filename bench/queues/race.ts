import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Output } from '../output.ts'
import { describeSpread, median, ratios } from '../spread.ts'
import { openBullmq } from './bullmq.ts'
import { type Contest, compete, type Score } from './contest.ts'
import { openDatabase } from './database.ts'
import { openPlainjob, openPlainjobServer } from './plainjob.ts'
import type { Queue } from './queue.ts'
import { findRedis } from './redis.ts'

/** So many tasks that a turn takes a second or so: the clock of other processes' CPU time ticks every 10 ms. */
const CONTESTS: readonly Contest[] = [
  { workers: 1, tasks: 1_000 },
  { workers: 8, tasks: 3_000 },
  { workers: 64, tasks: 6_000 },
]
const ROUNDS = 5
/** Comes before all: what one worker asks for in a round is too little for the engines to have compiled all of it. */
const WARM_UP: Contest = { workers: 8, tasks: 3_000 }

/** All queues are there all the time, and keep what was finished; who has no turn does nothing. */
export async function printRace(output: Output, folder: string): Promise<void> {
  const queues: Queue[] = []
  try {
    queues.push(await openDatabase(mkdtempSync(join(folder, 'database-'))))
    if (findRedis() !== undefined) queues.push(await openBullmq(mkdtempSync(join(folder, 'redis-'))))
    queues.push(openPlainjob(join(folder, 'plainjob', 'jobs.db')))
    queues.push(await openPlainjobServer(folder, join(folder, 'plainjob-server', 'jobs.db')))
    for (const { name, says } of queues) output.line(`- ${name}: ${says}`)

    await compete(queues, WARM_UP, 0)
    const rows: string[][] = []
    const goals: [string, number][] = []
    for (const contest of CONTESTS) {
      const crowd = contest.workers === 1 ? '1 worker' : `${contest.workers} workers`
      const [own, ...others] = await compete(queues, contest, ROUNDS)
      for (const score of [own, ...others]) if (score) rows.push([crowd, ...describe(score, own)])
      for (const score of others)
        goals.push([`time against ${score.name}, ${crowd}`, median(ratios(own?.ms ?? [], score.ms))])
    }
    output.line(`\n${ROUNDS} rounds by turns, every task taken and finished`)
    const time = `time against ${queues[0]?.name} (least to most)`
    output.table(['', 'queue', 'a second', time, 'CPU ms a task', 'of that workers'], rows)
    for (const [says, found] of goals) output.goal({ says, found, most: 1 })
  } finally {
    for (const queue of queues) await queue.close()
  }
}

function describe(score: Score, own: Score | undefined): string[] {
  const { name, ms, serverMs, clientMs } = score
  const [took, server, client] = [ms, serverMs, clientMs].map(median) as [number, number, number]
  return [
    name,
    (1_000 / took).toFixed(0),
    describeSpread(ratios(ms, own?.ms ?? [])),
    (server + client).toFixed(2),
    client.toFixed(2),
  ]
}
