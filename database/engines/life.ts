import { oneLine, ServiceError } from '../../kit/errors.ts'
import { failed, finished, type Grant, inProgress, notStarted, type Task } from '../contract.ts'

/** A task that went wrong this often is not tried again. */
const MOST_ERRORS = 3
/** A task whose worker was lost this often is not tried again. */
const MOST_LOSSES = 5
/** What the second return costs, in ms; each further one costs twice as much, the first nothing. */
const BACKOFF_MS = 1_000

/** Whoever has the task at present. */
export interface Holder {
  readonly token: string
  readonly isPlain: boolean
  readonly worker: string | undefined
  readonly leaseMs: number
  /** When it is lost unless it renews. */
  readonly until: number
}

/** All that is known of a task. Times are ms of the engine's clock. */
export interface TaskRecord {
  readonly id: number
  readonly state: number
  /** Leased grants so far; it only rises. */
  readonly attempt: number
  /** While it is in progress. */
  readonly holder: Holder | undefined
  readonly errors: number
  readonly losses: number
  /** Not given out before; `undefined`: at once. */
  readonly readyAt: number | undefined
  readonly reason: string | undefined
  /** Attempt that counts, once it is finished, and the token that finished it. */
  readonly result: number | undefined
  readonly finishedBy: string | undefined
  readonly createdAt: number
  /** When it was given out last; its holder's steps since then, as he said them. */
  readonly takenAt: number | undefined
  readonly steps: string | undefined
  readonly endedAt: number | undefined
}

/** A task in progress. */
type Held<T extends TaskRecord> = T & { readonly holder: Holder }

/** Out of anybody's hands, not ended. */
const free = {
  holder: undefined,
  readyAt: undefined,
  reason: undefined,
  result: undefined,
  finishedBy: undefined,
  steps: undefined,
  endedAt: undefined,
} as const

/** The task, if there is one. */
export function found<T extends TaskRecord>(task: T | undefined): T {
  if (task === undefined) throw new ServiceError('not-found', 'No such task.')
  return task
}

/** The task, if that token is its holder's; without one, if its holder has a plain grant. */
export function heldBy<T extends TaskRecord>(task: T | undefined, token: string | undefined): Held<T> {
  const row = found(task)
  const { holder } = row
  if (holder === undefined) throw new ServiceError('conflict', 'The task is not in progress.')
  if (token === undefined ? !holder.isPlain : holder.token !== token)
    throw new ServiceError('conflict', 'The task is held by another.')
  return row as Held<T>
}

/** True when that token has finished the task before. */
export function isFinishedBy(task: TaskRecord, token: string | undefined): boolean {
  return task.state === finished && token !== undefined && task.finishedBy === token
}

export function grantTo<T extends TaskRecord>(task: T, holder: Holder): T {
  const attempt = task.attempt + (holder.isPlain ? 0 : 1)
  return { ...task, ...free, state: inProgress, attempt, holder, takenAt: holder.until - holder.leaseMs }
}

/** Lets it wait again, to be given out at once, or not before `readyAt`; counters stay. */
export function giveBack<T extends TaskRecord>(task: T, readyAt?: number): T {
  return { ...task, ...free, state: notStarted, readyAt }
}

export function failFor<T extends TaskRecord>(task: T, reason: string, now: number, steps?: string): T {
  const told = oneLine(reason) || 'No reason was given.'
  return { ...task, ...free, state: failed, reason: told, steps, endedAt: now }
}

/** One more error: back after a pause, or failed for `reason`. */
export function countError<T extends TaskRecord>(task: T, reason: string, now: number, steps?: string): T {
  const counted = { ...task, errors: task.errors + 1 }
  return counted.errors < MOST_ERRORS ? giveBackLater(counted, now) : failFor(counted, reason, now, steps)
}

/** One more lost holder: back after a pause, or failed. */
export function countLoss<T extends TaskRecord>(task: T, now: number): T {
  const counted = { ...task, losses: task.losses + 1 }
  if (counted.losses < MOST_LOSSES) return giveBackLater(counted, now)
  return failFor(counted, `Its worker was lost ${MOST_LOSSES} times.`, now)
}

/** One lost holder less: it was heard of again. Counters of a task that has ended stay. */
export function uncountLoss<T extends TaskRecord>(task: T): T {
  return { ...task, losses: Math.max(0, task.losses - 1) }
}

/** True until it is finished or failed. */
export function isOpen(task: TaskRecord): boolean {
  return task.state === notStarted || task.state === inProgress
}

function giveBackLater<T extends TaskRecord>(task: T, now: number): T {
  const returns = task.errors + task.losses
  return giveBack(task, returns < 2 ? undefined : now + BACKOFF_MS * 2 ** (returns - 2))
}

/** Finished by its holder: a leased attempt is its result, a plain grant's result is the plain one, 0. */
export function finishHeld<T extends TaskRecord>(task: Held<T>, now: number, steps?: string): T {
  const { isPlain, token } = task.holder
  const result = isPlain ? 0 : task.attempt
  return { ...finish(task, result, now), finishedBy: isPlain ? undefined : token, steps }
}

function finish<T extends TaskRecord>(task: T, result: number, now: number): T {
  return { ...task, ...free, state: finished, result, endedAt: now }
}

/** What the operator makes of it; the same record when there is nothing to do. `holder` is for state 1. */
export function override<T extends TaskRecord>(task: T, state: number, now: number, holder: Holder): T {
  if (task.state === finished && state !== finished)
    throw new ServiceError('conflict', 'The task is finished and stays so.')
  switch (state) {
    case notStarted:
      return { ...giveBack(task), errors: 0, losses: 0, takenAt: undefined }
    case inProgress:
      return grantTo(task, holder)
    case finished:
      return task.state === finished ? task : finish(task, 0, now)
    default:
      return task.state === failed ? task : failFor(task, 'Failed by the operator.', now)
  }
}

/** Throws unless it ended at least `endedMs` ago. */
export function refuseNeeded({ endedAt }: TaskRecord, endedMs: number, now: number): void {
  if (endedAt === undefined) throw new ServiceError('conflict', 'The task has not ended.')
  if (now - endedAt < endedMs) throw new ServiceError('conflict', 'The task has not ended that long ago.')
}

/** The task as others are told of it. */
export function toTask(task: TaskRecord, now: number): Task {
  const { id, state, attempt, errors, losses, result, reason, createdAt, takenAt, steps, endedAt, holder } =
    task
  return {
    id,
    state,
    attempt,
    ...(result !== undefined && { result }),
    ...(reason !== undefined && { reason }),
    errors,
    losses,
    ageMs: now - createdAt,
    ...(endedAt !== undefined && { endedMs: now - endedAt }),
    ...(takenAt !== undefined && { takenMs: now - takenAt }),
    ...(steps !== undefined && { stepsMs: steps.split('.').map(Number) }),
    ...(holder !== undefined && { leaseEndsInMs: holder.until - now }),
  }
}

/** The grant as its holder is told of it: a plain one is what an original would say. */
export function toGrant(task: TaskRecord, holder: Holder): Grant {
  const { id, attempt } = task
  if (holder.isPlain) return { id, state: inProgress }
  const { token, leaseMs } = holder
  return {
    id,
    state: inProgress,
    attempt,
    token,
    leaseMs,
    alone: task.losses > 0,
  }
}
