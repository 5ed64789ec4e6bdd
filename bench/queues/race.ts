import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Output } from '../output.ts'
import { describeSpread, median, ratios } from '../spread.ts'
import { openBullmq } from './bullmq.ts'
import { type Contest, compete, type Score } from './contest.ts'
import { openDatabase, openEngine } from './database.ts'
import { openPlainjob, openPlainjobServer } from './plainjob.ts'
import type { Queue } from './queue.ts'
import { findRedis } from './redis.ts'

/** So many tasks that a turn takes a second or so: the clock of other processes' CPU time ticks every 10 ms. */
const CONTESTS: readonly Contest[] = [
  { workers: 1, tasks: 2_000 },
  { workers: 8, tasks: 6_000 },
  { workers: 64, tasks: 15_000 },
]
const ROUNDS = 5
/** Comes before all: what one worker asks for in a round is too little for the engines to have compiled all of it. */
const WARM_UP: Contest = { workers: 8, tasks: 3_000 }

/** All queues are there all the time, and keep what was finished; who has no turn does nothing. */
export async function printRace(output: Output, folder: string): Promise<void> {
  const queues: Queue[] = []
  try {
    const open = (queue: Queue) => queues[queues.push(queue) - 1] as Queue
    const service = open(await openDatabase(mkdtempSync(join(folder, 'database-'))))
    const engine = open(openEngine(join(folder, 'engine', 'tasks.db')))
    const isRedis = findRedis() !== undefined
    const bullmq = isRedis ? [open(await openBullmq(mkdtempSync(join(folder, 'redis-'))))] : []
    const plainjob = open(openPlainjob(join(folder, 'plainjob', 'jobs.db')))
    const served = open(await openPlainjobServer(folder, join(folder, 'plainjob-server', 'jobs.db')))
    const peers = [...bullmq, plainjob, served]
    for (const { name, says } of queues) output.line(`- ${name}: ${says}`)

    await compete(queues, WARM_UP, 0)
    const rows: string[][] = []
    const goals: [string, number][] = []
    for (const contest of CONTESTS) {
      const crowd = contest.workers === 1 ? '1 worker' : `${contest.workers} workers`
      const scores = await compete(queues, contest, ROUNDS)
      const msOf = ({ name }: Queue) => scores.find(score => score.name === name)?.ms ?? []
      for (const score of scores) rows.push([crowd, ...describe(score, msOf(service))])
      for (const peer of peers)
        goals.push([`time against ${peer.name}, ${crowd}`, median(ratios(msOf(service), msOf(peer)))])
      const alike = `time of ${engine.name} against ${plainjob.name}, ${crowd}`
      goals.push([alike, median(ratios(msOf(engine), msOf(plainjob)))])
    }
    output.line(`\n${ROUNDS} rounds by turns, every task taken and finished`)
    const time = `time against ${service.name} (least to most)`
    output.table(['', 'queue', 'a second', time, 'CPU ms a task', 'of that workers'], rows)
    for (const [says, found] of goals) output.goal({ says, found, most: 1 })
  } finally {
    for (const queue of queues) await queue.close()
  }
}

function describe(score: Score, own: readonly number[]): string[] {
  const { name, ms, serverMs, clientMs } = score
  const [took, server, client] = [ms, serverMs, clientMs].map(median) as [number, number, number]
  return [
    name,
    (1_000 / took).toFixed(0),
    describeSpread(ratios(ms, own)),
    (server + client).toFixed(2),
    client.toFixed(2),
  ]
}
