import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { atEnd } from '../../test/system/ending.ts'
import { findStrace } from '../calls.ts'
import type { Output } from '../output.ts'
import { onSlowDisk, slowDisk } from '../slow-disk.ts'
import { describeSpread, median, ratios } from '../spread.ts'
import type { Contest, Score } from './contest.ts'
import { type Race, runRace } from './race.ts'

/** So many tasks that a turn takes a second or so: the clock of other processes' CPU time ticks every 10 ms. */
const CONTESTS: readonly Contest[] = [
  { workers: 1, tasks: 2_000 },
  { workers: 8, tasks: 6_000 },
  { workers: 64, tasks: 15_000 },
]

/** On the disk that is there. */
export async function printRace(output: Output, folder: string): Promise<void> {
  print(output, await runRace(CONTESTS, folder))
}

/** The same where each fsync takes longer, in a process of its own: those in process write in this one otherwise, which is as fast as ever. */
export async function printSlowRace(output: Output, folder: string): Promise<void> {
  if (findStrace() === undefined) return output.line('left out')
  const [command = '', ...args] = slowDisk
  const program = join(import.meta.dirname, 'slow-race.js')
  const running = promisify(execFile)(command, [...args, process.execPath, program, folder])
  atEnd(() => running.child.kill('SIGTERM'))
  const { stdout } = await running
  output.line(`${onSlowDisk}\n`)
  print(output, JSON.parse(stdout) as Race)
}

function print(output: Output, { rounds, says, heats }: Race): void {
  for (const line of says) output.line(`- ${line}`)
  const rows: string[][] = []
  const goals: [string, number][] = []
  for (const { workers, service, engine, bullmq, plainjob, served } of heats) {
    const crowd = workers === 1 ? '1 worker' : `${workers} workers`
    const peers = [...(bullmq ? [bullmq] : []), plainjob, served]
    for (const score of [service, engine, ...peers]) rows.push([crowd, ...describe(score, service)])
    for (const peer of peers)
      goals.push([`time against ${peer.name}, ${crowd}`, median(ratios(service.ms, peer.ms))])
    const alike = `time of ${engine.name} against ${plainjob.name}, ${crowd}`
    goals.push([alike, median(ratios(engine.ms, plainjob.ms))])
  }
  output.line(`\n${rounds} rounds by turns, every task taken and finished`)
  const time = `time against ${heats[0]?.service.name} (least to most)`
  output.table(['', 'queue', 'a second', time, 'CPU ms a task', 'of that workers'], rows)
  for (const [says, found] of goals) output.goal({ says, found, most: 1 })
}

function describe({ name, ms, serverMs, clientMs }: Score, own: Score): string[] {
  const [took, server, client] = [ms, serverMs, clientMs].map(median) as [number, number, number]
  return [
    name,
    (1_000 / took).toFixed(0),
    describeSpread(ratios(ms, own.ms)),
    (server + client).toFixed(2),
    client.toFixed(2),
  ]
}
