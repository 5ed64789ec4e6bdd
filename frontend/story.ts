import { failed, finished, type Task } from '../database/contract.ts'
import { hasCode, oneLine } from '../kit/errors.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'

/** What visitors are told of a task. */
export type TaskStory =
  | { readonly id: number; readonly is: 'ready' }
  | { readonly id: number; readonly is: 'waiting' }
  | { readonly id: number; readonly is: 'failed'; readonly reason: string }
  | { readonly id: number; readonly is: 'unknown for now' }

/** Asks the master; `unknown for now` while a part of the system is away. `not-found` when there is no such task. */
export async function askStory(master: Link<typeof masterContract>, id: number): Promise<TaskStory> {
  try {
    return { id, is: (await master.ask.isReady({ id })) === '1' ? 'ready' : 'waiting' }
  } catch (error) {
    if (hasCode(error, 'unprocessable')) return { id, is: 'failed', reason: error.message }
    if (hasCode(error, 'unavailable')) return { id, is: 'unknown for now' }
    throw error
  }
}

/** The same, of a task from the feed of changes. */
export function storyOf({ id, state, reason = 'The task failed.' }: Task): TaskStory {
  if (state === failed) return { id, is: 'failed', reason: oneLine(reason) }
  return { id, is: state === finished ? 'ready' : 'waiting' }
}

/** Nothing more will be told of it. */
export function hasEnded({ is }: TaskStory): boolean {
  return is === 'ready' || is === 'failed'
}

/** The story as one line of JSON. */
export function formatStory(story: TaskStory): string {
  const { id, is } = story
  const image = is === 'ready' ? { image: `/getImage?id=${id}` } : {}
  const reason = is === 'failed' ? { reason: story.reason } : {}
  return JSON.stringify({ id, state: is, ...image, ...reason })
}
