import { failed, finished, inProgress, notStarted } from '../../database/contract.ts'

/** Who has a task, as the model knows it. */
interface Holder {
  readonly token: string
  readonly isPlain: boolean
  until: number
  /** The worker that is to run nothing beside it. */
  loner: string | undefined
  /** It held the task when the engine was started, and has not been heard of since. */
  isCutShort: boolean
}

/** A task, as the model knows it: what the contract of the engine says in words, and nothing of how it is kept. */
export interface ModelTask {
  state: number
  attempt: number
  errors: number
  losses: number
  holder: Holder | undefined
  readyAt: number
  result: number | undefined
  finishedBy: string | undefined
  endedAt: number | undefined
  /** Holders that were lost over it and not heard of since. */
  lost: Set<string>
}

export const LEASE_MS = 15_000
export const PLAIN_LEASE_MS = 120_000
/** How long an id that was given up stays so at least; it is forgotten with the next one that is given up. */
export const GIVEN_UP_MS = 3_600_000
const MOST_ERRORS = 3
const MOST_LOSSES = 5

/** How an operation ends. */
export type Outcome = 'done' | 'not-found' | 'conflict'

/** The tasks in the order in which they were made, and the time. */
export class Model {
  readonly tasks = new Map<number, ModelTask>()
  now: number
  /** Those changed since the feed was last read. */
  readonly changed = new Set<number>()
  /** Ids that were given up, and when. */
  readonly #givenUp = new Map<number, number>()

  constructor(now: number) {
    this.now = now
  }

  newTask(id: number): Outcome {
    if (this.#givenUp.has(id)) return 'conflict'
    if (this.tasks.has(id)) return 'done'
    const counts = { attempt: 0, errors: 0, losses: 0 }
    const none = { holder: undefined, result: undefined, finishedBy: undefined, endedAt: undefined }
    this.tasks.set(id, { state: notStarted, readyAt: 0, ...counts, ...none, lost: new Set() })
    this.changed.add(id)
    return 'done'
  }

  /** The task that is given out next. */
  next(): [number, ModelTask] | undefined {
    for (const [id, task] of this.tasks)
      if (task.state === notStarted && task.readyAt <= this.now) return [id, task]
    return undefined
  }

  /** A worker that runs a task alone is given nothing beside it. */
  mayServe(worker: string | undefined): boolean {
    return worker === undefined || ![...this.tasks.values()].some(({ holder }) => holder?.loner === worker)
  }

  grant(id: number, token: string, worker: string | undefined): void {
    const isPlain = worker === undefined
    const task = this.tasks.get(id) as ModelTask
    task.state = inProgress
    task.endedAt = undefined
    if (!isPlain) task.attempt += 1
    const loner = task.losses > 0 ? worker : undefined
    task.holder = { token, isPlain, loner, until: this.now + lengthOf(isPlain), isCutShort: false }
    this.changed.add(id)
  }

  renew(id: number, token: string): Outcome {
    return this.#held(id, token, ({ holder }) => {
      holder.until = this.now + lengthOf(holder.isPlain)
      holder.isCutShort = false
    })
  }

  release(id: number, token: string, pauseMs: number): Outcome {
    return this.#held(id, token, task => this.#free(id, task, pauseMs === 0 ? 0 : this.now + pauseMs))
  }

  fail(id: number, token: string, mayRetry: boolean): Outcome {
    return this.#held(id, token, task => {
      if (mayRetry) task.errors += 1
      if (mayRetry && task.errors < MOST_ERRORS) this.#freeLater(id, task)
      else this.#end(id, task, failed)
    })
  }

  finish(id: number, token: string | undefined): Outcome {
    const task = this.tasks.get(id)
    if (task?.state === finished && token !== undefined && task.finishedBy === token) return 'done'
    return this.#held(id, token, task => {
      task.result = task.holder.isPlain ? 0 : task.attempt
      task.finishedBy = task.holder.isPlain ? undefined : task.holder.token
      this.#end(id, task, finished)
    })
  }

  /** `token` is that of the grant, should there be one. */
  set(id: number, state: number, token: string): Outcome {
    const task = this.tasks.get(id)
    if (task === undefined) return 'not-found'
    if (task.state === finished) return state === finished ? 'done' : 'conflict'
    if (state === failed && task.state === failed) return 'done'
    if (state === notStarted) {
      task.errors = 0
      task.losses = 0
      task.lost.clear()
      this.#free(id, task, 0)
    } else if (state === inProgress) this.grant(id, token, undefined)
    else {
      if (state === finished) task.result = 0
      this.#end(id, task, state)
    }
    return 'done'
  }

  undoGrant(id: number, token: string): void {
    const task = this.tasks.get(id)
    if (task?.holder?.token === token) this.#free(id, task, 0)
  }

  remove(id: number): void {
    this.tasks.delete(id)
    this.changed.delete(id)
  }

  giveUp(id: number, endedMs: number): Outcome {
    const task = this.tasks.get(id)
    if (task !== undefined && (task.endedAt === undefined || this.now - task.endedAt < endedMs))
      return 'conflict'
    this.remove(id)
    this.#givenUp.set(id, this.now)
    for (const [id, since] of this.#givenUp) if (since < this.now - GIVEN_UP_MS) this.#givenUp.delete(id)
    return 'done'
  }

  /** The engine was started anew: every lease has its full length again. */
  restart(): void {
    for (const { holder, lost } of this.tasks.values()) {
      lost.clear()
      if (holder === undefined) continue
      holder.until = this.now + lengthOf(holder.isPlain)
      holder.loner = undefined
      holder.isCutShort = true
    }
  }

  /** Takes back what nobody holds any more. */
  settle(): void {
    for (const [id, task] of this.tasks) {
      const { holder } = task
      if (holder === undefined || holder.until > this.now) continue
      if (holder.isCutShort) this.#free(id, task, 0)
      else {
        task.losses += 1
        task.lost.add(holder.token)
        if (task.losses < MOST_LOSSES) this.#freeLater(id, task)
        else this.#end(id, task, failed)
      }
    }
  }

  #held(
    id: number,
    token: string | undefined,
    then: (task: ModelTask & { holder: Holder }) => void,
  ): Outcome {
    const task = this.tasks.get(id)
    if (task === undefined) return 'not-found'
    const { holder } = task
    if (token !== undefined && task.lost.delete(token)) {
      task.losses -= 1
      this.changed.add(id)
      return 'conflict'
    }
    if (holder === undefined) return 'conflict'
    if (token === undefined ? !holder.isPlain : holder.token !== token) return 'conflict'
    then(task as ModelTask & { holder: Holder })
    return 'done'
  }

  /** The first return costs nothing, the next ones 1, 2, 4 s. */
  #freeLater(id: number, task: ModelTask): void {
    const returns = task.errors + task.losses
    this.#free(id, task, returns < 2 ? 0 : this.now + 1_000 * 2 ** (returns - 2))
  }

  #free(id: number, task: ModelTask, readyAt: number): void {
    task.state = notStarted
    task.holder = undefined
    task.endedAt = undefined
    task.readyAt = readyAt
    this.changed.add(id)
  }

  #end(id: number, task: ModelTask, state: number): void {
    task.state = state
    task.holder = undefined
    task.endedAt = this.now
    task.lost.clear()
    this.changed.add(id)
  }
}

const lengthOf = (isPlain: boolean) => (isPlain ? PLAIN_LEASE_MS : LEASE_MS)
