import { failed, finished, MOST_IDS, notStarted, type Task } from '../database/contract.ts'
import { hasCode, oneLine, ServiceError } from '../kit/errors.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'
import type { Told } from './told.ts'
import type { Took } from './took.ts'

/** Questions at once to an original master, which answers one at a time. */
const AT_ONCE = 8

/** What visitors are told of a task. */
export type TaskStory = {
  readonly id: number
  /** Number of the task's last change, where the database tells of it. */
  readonly revision?: number | undefined
} & (
  | { readonly is: 'ready'; readonly took?: Took | undefined }
  | { readonly is: 'waiting'; readonly step?: Step; readonly place?: number | undefined }
  | { readonly is: 'failed'; readonly reason: string; readonly took?: Took | undefined }
  | { readonly is: 'gone' }
  | { readonly is: 'unknown for now' }
)

/** Whether it is worked on already; an original master does not say. */
export type Step = 'queued' | 'working'

/** Asks the master; `unknown for now` while a part of the system is away. `not-found` when there is no such task. */
export async function askStory(master: Link<typeof masterContract>, id: number): Promise<TaskStory> {
  const [story] = await askStories(master, [id])
  if (story === undefined || story.is === 'gone') throw new ServiceError('not-found', 'No such task.')
  return story
}

/** The same of many, in their order: `gone` where there is no such task. Never rejects for a part of the system that is away. */
export async function askStories(
  master: Link<typeof masterContract>,
  ids: readonly number[],
): Promise<TaskStory[]> {
  const pages = Array.from({ length: Math.ceil(ids.length / MOST_IDS) }, (_, page) =>
    ids.slice(page * MOST_IDS, (page + 1) * MOST_IDS),
  )
  return (await Promise.all(pages.map(page => askPage(master, page)))).flat()
}

async function askPage(master: Link<typeof masterContract>, ids: readonly number[]): Promise<TaskStory[]> {
  try {
    const tasks = new Map((await master.ask.getByIds({ ids: [...ids] })).map(task => [task.id, task]))
    return ids.map(id => {
      const task = tasks.get(id)
      return task === undefined ? { id, is: 'gone' } : storyOf(task)
    })
  } catch (error) {
    if (hasCode(error, 'unavailable')) return ids.map(id => ({ id, is: 'unknown for now' }))
    // An original master tells of one task at a time, and only whether it is ready.
    if (hasCode(error, 'not-found', 'method-not-allowed', 'bad-answer')) return askOneByOne(master, ids)
    throw error
  }
}

async function askOneByOne(
  master: Link<typeof masterContract>,
  ids: readonly number[],
): Promise<TaskStory[]> {
  const stories: TaskStory[] = []
  for (let at = 0; at < ids.length; at += AT_ONCE)
    stories.push(...(await Promise.all(ids.slice(at, at + AT_ONCE).map(id => askIfReady(master, id)))))
  return stories
}

async function askIfReady(master: Link<typeof masterContract>, id: number): Promise<TaskStory> {
  try {
    return { id, is: (await master.ask.isReady({ id })) === '1' ? 'ready' : 'waiting' }
  } catch (error) {
    if (hasCode(error, 'unprocessable')) return { id, is: 'failed', reason: error.message }
    if (hasCode(error, 'unavailable')) return { id, is: 'unknown for now' }
    if (hasCode(error, 'not-found')) return { id, is: 'gone' }
    throw error
  }
}

/** How many of these tasks there are not. */
export const countGone = (stories: readonly TaskStory[]): number =>
  stories.filter(({ is }) => is === 'gone').length

/** How long the way of a task that has ended took; undefined where nobody had it, or an original database tells of it. */
export function tookOf({ ageMs, takenMs, endedMs, stepsMs = [] }: Task): Took | undefined {
  if (ageMs === undefined || takenMs === undefined || endedMs === undefined) return undefined
  const [fetchMs, swapMs, storeMs] = stepsMs
  const since = (ms: number) => Math.max(0, Math.round(ageMs - ms))
  return { wholeMs: since(endedMs), waitMs: since(takenMs), fetchMs, swapMs, storeMs }
}

/** The story of a task as the database tells of it. */
export function storyOf(task: Task): TaskStory {
  const { id, revision, state, reason = 'The task failed.', place } = task
  if (state === failed) return { id, revision, is: 'failed', reason: oneLine(reason), took: tookOf(task) }
  if (state === finished) return { id, revision, is: 'ready', took: tookOf(task) }
  return state === notStarted
    ? { id, revision, is: 'waiting', step: 'queued', place }
    : { id, revision, is: 'waiting', step: 'working' }
}

/**
 * What is told of it as JSON. `next`: the place of the task that is given out next, if that is known; then one that waits says how
 * many are before it, at most.
 */
export function tellOf(story: TaskStory, next?: number): Told {
  const { id, is: state } = story
  switch (state) {
    case 'ready':
      return { id, state, image: `/getImage?id=${id}`, took: story.took }
    case 'failed':
      return { id, state, reason: story.reason, took: story.took }
    case 'waiting': {
      const { step, place } = story
      const isKnown = place !== undefined && next !== undefined
      return { id, state, step, ...(isKnown && { ahead: Math.max(0, place - next) }) }
    }
    default:
      return { id, state }
  }
}
