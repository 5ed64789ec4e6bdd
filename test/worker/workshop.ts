import type { Test } from 'tap'
import { swapRedGreen } from '../../codec/swap.ts'
import { createZlibRecoder } from '../../codec/zlib.ts'
import { silent } from '../../kit/log.ts'
import { openPool, type Run } from '../../worker/pool.ts'
import { createTaskRunner, type TaskOptions } from '../../worker/task.ts'
import { openStage, type Stage, type StageOptions } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'

/** What a task is run with: the swap on the event loop, every result trusted. */
export function runnerOf({ storage }: Stage): TaskOptions {
  const limits = { maxPixels: 1e8, maxBytes: 5e7 }
  const recoder = createZlibRecoder()
  const swap = (input: AsyncIterable<Uint8Array>) => swapRedGreen(input, { ...limits, recoder })
  return { storage, swap, maxPixels: limits.maxPixels, isTrusted: async () => true, log: silent }
}

/** A pool of a real worker's tasks on a stage; `around` may do something about each of them. */
export async function openWorker(
  t: Test,
  options: StageOptions = {},
  around?: (run: Run) => Run,
  threads = 3,
) {
  const stage = await openStage(t, options)
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({
    database: stage.database,
    instance: 'w',
    threads,
    run: around?.(run) ?? run,
    log: silent,
  })
  t.teardown(() => pool.drain())
  return { stage, pool }
}

export async function submit({ master }: Stage, image: Buffer): Promise<number> {
  return Number(await master.ask.new({}, { body: { data: image, length: image.length } }))
}

/** The task once it has ended. */
export const ended = ({ database }: Stage, id: number) =>
  waitFor(`task ${id} ended`, async () => {
    const task = await database.ask.getById({ id })
    return task.state >= 2 && task
  })
