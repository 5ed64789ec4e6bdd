import { setTimeout as delay } from 'node:timers/promises'
import { type databaseContract, failed, finished, MOST_IDS, type Task } from '../database/contract.ts'
import { hasCode } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import type { ImageState, StoredImage, storageContract } from '../storage/contract.ts'
import { takeSteps } from './pace.ts'

/** How long after the start the first sweep comes, in ms: then the others are there. */
const FIRST_MS = 5_000
/** How long after a sweep that was broken off it is tried again, in ms, unless the next comes earlier anyway. */
const RETRY_MS = 30_000
/**
 * Images that are asked for at once, and the pause before the next, in ms. Storage looks at each file for it, a twentieth of a second or
 * more for so many: what nobody needs only takes room, and there may be millions of others.
 */
const PAGE = 1_000
const PAGE_PAUSE_MS = 1_000
/** A revision that no feed of changes has reached: it is answered with the present one. */
const FUTURE = Number.MAX_SAFE_INTEGER

export interface SweeperOptions {
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  readonly log: Logger
  /** How long a task and its images are kept after it finished or failed, in ms. */
  readonly retentionMs: number
  /** How old an image without a task has to be before it goes, in ms. An upload that takes longer is refused. */
  readonly orphanMs: number
  /** Time between the end of one sweep and the next, in ms. */
  readonly everyMs: number
  /** How long after its opening the first sweep comes, in ms; 5,000 unless said, or `everyMs` when that is less. */
  readonly firstMs?: number
}

/** How many tasks went with all their images, and how many images went that no task needed. */
export interface Swept {
  tasks: number
  images: number
}

/** An image and its task, where there is one. */
interface FoundImage extends StoredImage {
  readonly task: Task | undefined
}

export interface Sweeper {
  /** Goes once over all tasks, then over all images; rejects with an `AbortError` once it is closed. */
  sweep(): Promise<Swept>
  /** Begins no further step. */
  close(): void
}

/**
 * Removes what nobody needs any more: tasks that ended long ago with their images; and by themselves, since to go over all images takes
 * long where there are many, images without a task and results of attempts that lost. The database decides whether a task's images may
 * go, and no task is made of them afterwards (docs/decisions/017). Each step may be repeated, so any number of masters may sweep.
 */
export function openSweeper({ database, storage, log, ...times }: SweeperOptions): Sweeper {
  const { everyMs, firstMs = Math.min(FIRST_MS, everyMs) } = times
  const closing = new AbortController()
  const { signal } = closing
  /** Up to where images were gone over: one sweep that is broken off is gone on with. */
  const reached: { state: ImageState; after: string } = { state: 'working', after: '' }

  /** Has the task forgotten, and its id given up: false when it is needed, whatever was known of it before. */
  const giveUp = async (id: number): Promise<boolean> => {
    try {
      await database.ask.deleteTask({ id, endedMs: times.retentionMs }, { signal })
      return true
    } catch (error) {
      if (hasCode(error, 'conflict')) return false
      throw error
    }
  }

  /** Tasks that ended long ago. They changed last when they ended, so all that ended later stand behind them. */
  async function* endedLongAgo(): AsyncGenerator<Task> {
    const { revision: end } = await database.ask.changes({ since: FUTURE, wait: 0 }, { signal })
    for (let since = 0; since < end; ) {
      const { revision, tasks } = await database.ask.changes({ since, wait: 0 }, { signal })
      for (const task of tasks.filter(hasEnded)) {
        if ((task.endedMs ?? 0) < times.retentionMs) return
        yield task
      }
      // Another database is in its place, and counts anew.
      if (revision <= since) return
      since = revision
    }
  }

  /**
   * Images that are old enough, with what their task was a moment ago. Young ones are asked for as well, and left out here:
   * storage would go through all of those that lie between two old ones before it answers.
   */
  async function* imagesOf(state: ImageState): AsyncGenerator<FoundImage> {
    for (;;) {
      const { after } = reached
      const page = await storage.ask.images({ state, olderThanMs: 0, after, limit: PAGE }, { signal })
      const old = page.filter(({ ageMs }) => ageMs >= times.orphanMs)
      while (old.length > 0) yield* await withTasks(old.splice(0, MOST_IDS))
      reached.after = page.length < PAGE ? '' : (page.at(-1)?.name ?? '')
      if (reached.after === '') return
      await delay(PAGE_PAUSE_MS, undefined, { signal })
    }
  }

  const withTasks = async (images: StoredImage[]): Promise<FoundImage[]> => {
    const tasks = await database.ask.getByIds({ ids: images.map(({ id }) => id) }, { signal })
    const byId = new Map(tasks.map(task => [task.id, task]))
    return images.map(image => ({ ...image, task: byId.get(image.id) }))
  }

  // The task goes first: while it is there its images are. Those that a crash leaves behind are images without a task.
  const sweepTask = async ({ id }: Task, gone: Swept): Promise<void> => {
    if (!(await giveUp(id))) return
    gone.tasks += 1
    failpoint('master.task.swept')
    await storage.ask.deleteImage({ id, state: 'finished' }, { signal })
    failpoint('master.result.swept')
    await storage.ask.deleteImage({ id, state: 'working' }, { signal })
    failpoint('master.upload.swept')
  }

  const sweepUpload = async ({ id, task }: FoundImage, gone: Swept): Promise<void> => {
    if (task !== undefined || !(await giveUp(id))) return
    await storage.ask.deleteImage({ id, state: 'working', olderThanMs: times.orphanMs }, { signal })
    gone.images += 1
    failpoint('master.upload.swept')
  }

  /** Only of a finished task is it certain which result counts; of a plain one (0), storage alone knows. */
  const sweepResult = async ({ id, attempt, task }: FoundImage, gone: Swept): Promise<void> => {
    const isLost = task?.state === finished && (task.result ?? 0) > 0 && task.result !== attempt
    if (task === undefined ? !(await giveUp(id)) : !isLost) return
    const query = { id, state: 'finished', attempt, olderThanMs: times.orphanMs } as const
    await storage.ask.deleteImage(query, { signal })
    gone.images += 1
    failpoint('master.attempt.swept')
  }

  const sweepTasks = (gone: Swept) => takeSteps(endedLongAgo(), task => sweepTask(task, gone), signal)
  const sweepImages = async (gone: Swept) => {
    if (reached.state === 'working')
      await takeSteps(imagesOf('working'), image => sweepUpload(image, gone), signal)
    reached.state = 'finished'
    await takeSteps(imagesOf('finished'), image => sweepResult(image, gone), signal)
    reached.state = 'working'
  }
  const sweep = async (...sweeps: ((gone: Swept) => Promise<void>)[]): Promise<Swept> => {
    const gone = { tasks: 0, images: 0 }
    // An original database forgets at a restart and counts from 0 again: what it does not know is no orphan.
    if ((await database.isOriginal()) || (await storage.isOriginal())) return gone
    for (const one of sweeps) await one(gone)
    if (gone.tasks + gone.images > 0) log.info(gone, 'swept')
    return gone
  }

  const keepSweeping = async (what: string, one: (gone: Swept) => Promise<void>) => {
    let isFirst = true
    let nextMs = firstMs
    while (!signal.aborted) {
      await delay(nextMs, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted) return
      try {
        await sweep(one)
        nextMs = everyMs
      } catch (error) {
        // At a start the others may not be there yet.
        if (!isFirst && !signal.aborted)
          log.warn({ err: error }, `a sweep of ${what} was broken off; it is tried again`)
        nextMs = Math.min(RETRY_MS, everyMs)
      }
      isFirst = false
    }
  }
  void keepSweeping('tasks', sweepTasks)
  void keepSweeping('images', sweepImages)

  return { sweep: () => sweep(sweepTasks, sweepImages), close: () => closing.abort() }
}

function hasEnded(task: Task): boolean {
  return task.state === finished || task.state === failed
}
