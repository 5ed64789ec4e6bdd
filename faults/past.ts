import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteTasks } from '../database/engines/sqlite.ts'

/** Tasks that are written at the same time: they share a transaction. */
const AT_ONCE = 1_000

/** Lays tasks that have finished into the data of a system that does not run: what it has after some time. */
export async function layTasks(dataDir: string, count: number): Promise<void> {
  const folder = join(dataDir, 'database')
  mkdirSync(folder, { recursive: true })
  const tasks = openSqliteTasks({ path: join(folder, 'tasks.db') })
  try {
    for (let laid = 0; laid < count; laid += AT_ONCE) {
      const ids = await Promise.all(Array.from({ length: AT_ONCE }, () => tasks.newTask()))
      await Promise.all(ids.map(id => tasks.set(id, 2)))
    }
  } finally {
    await tasks.close()
  }
}
