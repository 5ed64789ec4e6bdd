import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { openSystem } from '../../test/system/system.ts'
import { makeDiskFolder } from '../folder.ts'
import { iconForm } from '../forms.ts'
import { formsFrom, openUploaders, putThrough } from '../load.ts'
import { printTable } from '../table.ts'

/**
 * What the simulation has to know beside the pipeline's figures: where each service spends its CPU time, what a transaction of
 * the database costs whatever is in it, and how long an fsync takes. `npm run bench simulation/shares PICTURES` with fewer.
 */
const pictures = Number(process.argv[2] ?? 3_000)
/** Beside the loop Node starts five threads for V8 first, and those for files when they are needed. */
const V8_THREADS = 5
const SYNCS = 500
const CYCLES = 2_000
/** Transactions of a task that is made, taken and finished. */
const TRANSACTIONS = 3

/** CPU time of each thread so far, in ms, in the order in which they were started (proc(5), schedstat). */
function threadsOf(pid: number): number[] {
  const ids = readdirSync(`/proc/${pid}/task`).map(Number)
  return ids
    .sort((a, b) => a - b)
    .map(id => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
}

async function measureThreads(): Promise<string[][]> {
  const system = await openSystem()
  const uploaders = openUploaders(system, 8)
  const load = { lanes: 8, isClosed: false }
  const read = () => Object.entries(system.pids()).map(([name, pid]) => [name, threadsOf(pid)] as const)
  try {
    await putThrough(system, uploaders, load, formsFrom(iconForm, 0, Math.ceil(pictures / 2)))
    const forms = formsFrom(iconForm, Math.ceil(pictures / 2), pictures)
    const before = new Map(read())
    await putThrough(system, uploaders, load, forms)
    return read().map(([name, after]) => {
      const took = after.map((ms, at) => ms - (before.get(name)?.[at] ?? 0))
      const sum = (from: number, to?: number) => took.slice(from, to).reduce((total, ms) => total + ms, 0)
      const shares = [sum(0, 1), sum(1 + V8_THREADS), sum(1, 1 + V8_THREADS)].map(ms => ms / sum(0))
      return [name, (sum(0) / pictures).toFixed(2), ...shares.map(share => share.toFixed(2))]
    })
  } finally {
    await Promise.all(uploaders.map(uploader => uploader.close()))
    await system.stop()
    await system.close()
  }
}

/** CPU time of a task that is made, taken and finished, in ms, where so many do that at the same time. */
async function measureCycle(path: string, lanes: number): Promise<number> {
  const tasks = openSqliteTasks({ path })
  let left = CYCLES
  const lane = async () => {
    while (left-- > 0) {
      await tasks.newTask()
      const granted = await tasks.take({ isPlain: false, worker: 'bench', waitMs: 1_000 })
      if (granted === undefined) throw new Error('a task was not granted')
      await tasks.finish(granted.grant.id, granted.mark)
    }
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: lanes }, lane))
  const { user, system } = process.cpuUsage(before)
  await tasks.close()
  return (user + system) / 1_000 / CYCLES
}

/** How long an fsync takes behind a short write, in ms, and what of that is CPU time. */
function measureSync(path: string): { tookMs: number; cpuMs: number } {
  const file = openSync(path, 'w')
  const began = performance.now()
  const before = process.cpuUsage()
  for (let i = 0; i < SYNCS; i += 1) {
    writeSync(file, Buffer.alloc(700))
    fsyncSync(file)
  }
  const { user, system } = process.cpuUsage(before)
  closeSync(file)
  return { tookMs: (performance.now() - began) / SYNCS, cpuMs: (user + system) / 1_000 / SYNCS }
}

printTable(['', 'CPU ms a picture', 'loop', 'files', 'beside (V8)'], await measureThreads())
const folder = makeDiskFolder()
await measureCycle(join(folder, 'warm'), 64)
const [alone, many] = [
  await measureCycle(join(folder, 'one'), 1),
  await measureCycle(join(folder, 'many'), 64),
]
console.log(`a transaction: ${((alone - many) / TRANSACTIONS).toFixed(3)} ms of CPU whatever is in it,`)
console.log(`and ${(many / TRANSACTIONS).toFixed(3)} ms for what 64 do in it, each`)
const { tookMs, cpuMs } = measureSync(join(folder, 'synced'))
console.log(`an fsync: ${tookMs.toFixed(2)} ms, ${cpuMs.toFixed(2)} of CPU`)
