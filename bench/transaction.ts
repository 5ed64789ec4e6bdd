import { join } from 'node:path'
import { openSqliteTasks } from '../database/engines/sqlite.ts'
import { ownCpuMs } from './cpu.ts'

const CYCLES = 2_000
/** Who does that at the same time, where many share a transaction. */
const MANY = 64
/** Transactions of a task that is made, taken and finished. */
const TRANSACTIONS = 3

/** CPU time of an operation of the database, in ms. The difference is what a transaction costs, whatever is in it. */
export interface TransactionCost {
  /** In a transaction of its own. */
  readonly aloneMs: number
  /** Where so many share one. */
  readonly sharedMs: number
  readonly many: number
}

/** @param folder On a disk. */
export async function measureTransaction(folder: string): Promise<TransactionCost> {
  await measureCycle(join(folder, 'warm'), MANY)
  const aloneMs = (await measureCycle(join(folder, 'alone'), 1)) / TRANSACTIONS
  const sharedMs = (await measureCycle(join(folder, 'many'), MANY)) / TRANSACTIONS
  return { aloneMs, sharedMs, many: MANY }
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
