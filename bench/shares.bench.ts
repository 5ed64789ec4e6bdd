import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteTasks } from '../database/engines/sqlite.ts'
import type { PartedBench } from './bench.ts'
import { ownCpuMs } from './cpu.ts'
import { runWarm } from './load.ts'
import type { Output } from './output.ts'

/** Icons that are measured. */
const PICTURES = 3_000
/** Beside the loop Node starts five threads for V8 first, and those for files when they are needed. */
const V8_THREADS = 5
const CYCLES = 2_000
/** Who does that at the same time, where many share a transaction. */
const MANY = 64
/** Transactions of a task that is made, taken and finished. */
const TRANSACTIONS = 3
const SYNCS = 500
const SYNCED_BYTES = 700

/** What bench/simulation/costs.ts takes for granted. */
export const shares: PartedBench = {
  question: 'What does the simulation have to know beside the figures of the services?',
  parts: { threads: printThreads, transactions: printTransactions, fsync: printSync },
}

/** Where each service spends its CPU time. */
async function printThreads(output: Output, folder: string): Promise<void> {
  const rows = await runWarm({ dataDir: folder }, async (system, put) => {
    const read = () => Object.entries(system.pids()).map(([name, pid]) => [name, threadsOf(pid)] as const)
    const before = new Map(read())
    await put(PICTURES)
    return read().map(([name, after]) => rowOf(name, before.get(name) ?? [], after))
  })
  output.line(`${PICTURES.toLocaleString('en')} icons; shares of what each service takes`)
  output.table(['', 'CPU ms a picture', 'loop', 'files', 'beside (V8)'], rows)
}

function rowOf(name: string, before: readonly number[], after: readonly number[]): string[] {
  const took = after.map((ms, at) => ms - (before[at] ?? 0))
  const sum = (from: number, to?: number) => took.slice(from, to).reduce((total, ms) => total + ms, 0)
  const all = sum(0)
  const [loop, files, beside] = [sum(0, 1), sum(1 + V8_THREADS), sum(1, 1 + V8_THREADS)]
  return [name, (all / PICTURES).toFixed(2), ...[loop, files, beside].map(ms => (ms / all).toFixed(2))]
}

/** CPU time of each thread so far, in ms, in the order in which they were started (proc(5), schedstat). */
function threadsOf(pid: number): number[] {
  const ids = readdirSync(`/proc/${pid}/task`).map(Number)
  return ids
    .sort((a, b) => a - b)
    .map(id => Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]) / 1e6)
}

/** What a transaction of the database costs whatever is in it: more where each operation has one of its own. */
async function printTransactions(output: Output, folder: string): Promise<void> {
  await measureCycle(join(folder, 'warm'), MANY)
  const alone = (await measureCycle(join(folder, 'alone'), 1)) / TRANSACTIONS
  const many = (await measureCycle(join(folder, 'many'), MANY)) / TRANSACTIONS
  output.table(
    ['', 'CPU ms'],
    [
      ['an operation in a transaction of its own', alone.toFixed(3)],
      [`one of those that ${MANY} have in it`, many.toFixed(3)],
      ['a transaction, whatever is in it', (alone - many).toFixed(3)],
    ],
  )
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
  const before = ownCpuMs()
  await Promise.all(Array.from({ length: lanes }, lane))
  const tookMs = ownCpuMs() - before
  await tasks.close()
  return tookMs / CYCLES
}

/** How long an fsync waits for the disk behind a short write: the rest of it is CPU time. */
async function printSync(output: Output, folder: string): Promise<void> {
  const file = openSync(join(folder, 'synced'), 'w')
  const began = performance.now()
  const before = ownCpuMs()
  for (let i = 0; i < SYNCS; i += 1) {
    writeSync(file, Buffer.alloc(SYNCED_BYTES))
    fsyncSync(file)
  }
  const tookMs = (performance.now() - began) / SYNCS
  const cpuMs = (ownCpuMs() - before) / SYNCS
  closeSync(file)
  output.line(`${SYNCS} of them, ${SYNCED_BYTES} bytes written before each`)
  output.table(['', 'ms', 'CPU ms'], [['an fsync', tookMs.toFixed(2), cpuMs.toFixed(2)]])
}
