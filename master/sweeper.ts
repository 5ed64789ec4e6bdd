import { type databaseContract, failed, finished, type Task } from '../database/contract.ts'
import { hasCode } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import type { ImageState, StoredImage, storageContract } from '../storage/contract.ts'

export interface SweeperOptions {
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  readonly log: Logger
  /** How long a task and its images are kept after it finished or failed, in ms. */
  readonly retentionMs: number
  /** How old an image without a task has to be before it goes, in ms: longer than any upload takes. */
  readonly orphanMs: number
  /** Time between two sweeps, in ms. */
  readonly everyMs: number
}

export interface Sweeper {
  /** Goes once over all images; resolves to how many tasks and images it removed. */
  sweep(): Promise<{ tasks: number; images: number }>
  close(): void
}

/**
 * Removes what nobody needs any more: tasks that ended long ago with their images, images without a task, results of
 * attempts that lost. Each step may be repeated, so any number of masters may sweep. What waits or runs is never touched.
 */
export function openSweeper({ database, storage, log, ...times }: SweeperOptions): Sweeper {
  const find = (id: number) =>
    database.ask.getById({ id }).catch(error => {
      if (hasCode(error, 'not-found')) return undefined
      throw error
    })

  async function* imagesOf(state: ImageState): AsyncGenerator<StoredImage> {
    let after = ''
    for (;;) {
      const page = await storage.ask.images({ state, olderThanMs: times.orphanMs, after, limit: 1_000 })
      yield* page
      const last = page.at(-1)
      if (last === undefined) return
      after = last.name
    }
  }

  const sweepUpload = async ({ id }: StoredImage): Promise<{ tasks: number; images: number }> => {
    const task = await find(id)
    if (task !== undefined && !(hasEnded(task) && (task.endedMs ?? 0) > times.retentionMs))
      return { tasks: 0, images: 0 }
    // The task goes first: while it is there its images are.
    if (task !== undefined) await database.ask.deleteTask({ id })
    failpoint('master.task.swept')
    await storage.ask.deleteImage({ id, state: 'finished' })
    failpoint('master.result.swept')
    await storage.ask.deleteImage({ id, state: 'working' })
    failpoint('master.upload.swept')
    return { tasks: task === undefined ? 0 : 1, images: 1 }
  }

  const sweepResult = async ({ id, attempt }: StoredImage): Promise<number> => {
    const task = await find(id)
    if (task !== undefined && (!hasEnded(task) || task.result === attempt)) return 0
    await storage.ask.deleteImage({ id, state: 'finished', attempt })
    failpoint('master.attempt.swept')
    return 1
  }

  const sweep = async () => {
    const gone = { tasks: 0, images: 0 }
    // An original database forgets at a restart and counts from 0 again: what it does not know is no orphan.
    if ((await database.isOriginal()) || (await storage.isOriginal())) return gone
    for await (const image of imagesOf('working')) {
      const { tasks, images } = await sweepUpload(image)
      gone.tasks += tasks
      gone.images += images
    }
    for await (const image of imagesOf('finished')) gone.images += await sweepResult(image)
    if (gone.tasks + gone.images > 0) log.info(gone, 'swept')
    return gone
  }

  const timer = setInterval(() => {
    sweep().catch(error => log.warn({ err: error }, 'sweeping was broken off; the next sweep goes on'))
  }, times.everyMs).unref()
  return { sweep, close: () => clearInterval(timer) }
}

function hasEnded(task: Task): boolean {
  return task.state === finished || task.state === failed
}
