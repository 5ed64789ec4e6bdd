import type { PartedBench } from './bench.ts'
import { type CpuTime, combineTimes, cpuTimeOf } from './cpu-time.ts'
import { measureSyncs, SYNCED_BYTES, SYNCS } from './fsync.ts'
import { runWarm } from './load.ts'
import type { Output } from './output.ts'
import { measureTransaction } from './transaction.ts'

/** Icons that are measured. */
const PICTURES = 3_000

/** What `npm run bench scaling` finds out for itself as well: here it can be looked at. */
export const shares: PartedBench = {
  question: 'What does the simulation have to know beside the figures of the services?',
  parts: { threads: printThreads, transactions: printTransactions, fsync: printSyncs },
}

/** Where each service spends its CPU time. */
async function printThreads(output: Output, folder: string): Promise<void> {
  const rows = await runWarm({ dataDir: folder }, async (system, put) => {
    const read = () => Object.entries(system.pids()).map(([name, pid]) => [name, cpuTimeOf(pid)] as const)
    const before = new Map(read())
    await put(PICTURES)
    return read().map(([name, after]) => rowOf(name, before.get(name) as CpuTime, after))
  })
  output.line(`${PICTURES.toLocaleString('en')} icons; shares of what each service takes`)
  output.table(['', 'CPU ms a picture', 'loop', 'its threads', 'beside (V8, children)'], rows)
}

function rowOf(name: string, before: CpuTime, after: CpuTime): string[] {
  const { all, loop, pool } = combineTimes([before, after], ([from = 0, to = 0]) => to - from)
  const shares = [loop, pool, all - loop - pool].map(ms => (ms / all).toFixed(2))
  return [name, (all / PICTURES).toFixed(2), ...shares]
}

async function printTransactions(output: Output, folder: string): Promise<void> {
  const { aloneMs, sharedMs, many } = await measureTransaction(folder)
  output.table(
    ['', 'CPU ms'],
    [
      ['an operation in a transaction of its own', aloneMs.toFixed(3)],
      [`one of those that ${many} have in it`, sharedMs.toFixed(3)],
      ['a transaction, whatever is in it', (aloneMs - sharedMs).toFixed(3)],
    ],
  )
}

/** How long the disk is waited for behind a short write: the rest of it is CPU time. */
async function printSyncs(output: Output, folder: string): Promise<void> {
  const { fsync, fdatasync } = measureSyncs(folder)
  const rows = [
    ['an fsync of a file that grows', fsync],
    ['an fdatasync of one that is written over', fdatasync],
  ] as const
  output.line(`${SYNCS} of each, ${SYNCED_BYTES} bytes written before`)
  output.table(
    ['', 'ms', 'CPU ms'],
    rows.map(([says, { tookMs, cpuMs }]) => [says, tookMs.toFixed(2), cpuMs.toFixed(2)]),
  )
}
