import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openSqliteTasks } from '../database/engines/sqlite.ts'
import type { PlainBench } from './bench.ts'
import { describeSpread, median } from './spread.ts'
import { startSystem } from './started.ts'
import { fillTasks } from './tasks.ts'

const ROUNDS = 10
/** Finished tasks in the database's file. */
const TASKS = 100_000
/** What a start may take, in s. */
const MOST_SECONDS = 3

/** A start of something that is built, on data of no task and of many. */
export const start: PlainBench = {
  question: 'How long does scripts/start-all.sh take until all six services are ready?',
  async run(output, folder) {
    const fresh: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      const dataDir = mkdtempSync(join(folder, 'data-'))
      fresh.push(await startAndStop(dataDir))
      rmSync(dataDir, { recursive: true })
    }
    const dataDir = mkdtempSync(join(folder, 'data-'))
    const engine = openSqliteTasks({ path: join(dataDir, 'database', 'tasks.db') })
    await fillTasks(engine, 'finished', TASKS)
    await engine.close()
    const filled: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) filled.push(await startAndStop(dataDir))

    const among = `with ${TASKS.toLocaleString('en')} tasks`
    output.line(`\n${ROUNDS} starts each, of what is built: --detach, from the call to its return`)
    output.table(
      ['', 's (least to most)'],
      [
        ['with a new data folder', describeSpread(fresh)],
        [among, describeSpread(filled)],
      ],
    )
    output.goal({ says: 'start', unit: 's', found: median(fresh), most: MOST_SECONDS })
    output.goal({ says: `start ${among}`, unit: 's', found: median(filled), most: MOST_SECONDS })
  },
}

async function startAndStop(dataDir: string): Promise<number> {
  const { seconds, stop } = await startSystem(dataDir)
  await stop()
  return seconds
}
