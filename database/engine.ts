import type { Changes, Grant, Overview, Task } from './contract.ts'

/** How long a caller is willing to wait; `signal` aborts when it is not any more. */
export interface Waiting {
  readonly waitMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Who asks for a task. A plain grant has no number and no token that anybody is told: it is for those who can neither
 * renew nor hand back, and lasts longer. A leased one has both, and lasts as long as it is renewed.
 */
export interface Asking extends Partial<Waiting> {
  readonly isPlain: boolean
  readonly worker?: string | undefined
}

/** Why a task failed, and how far its holder came (`stepsMs` of a task, with dots). */
export interface Failure {
  readonly mayRetry: boolean
  readonly reason: string
  readonly steps?: string | undefined
}

/** What comes with the end of a task: who wants the next one, and how long its steps took. */
export interface End {
  readonly next?: Asking | undefined
  readonly steps?: string | undefined
}

/** A grant and its mark, which names it to `undoGrant`. */
export interface Granted {
  readonly grant: Grant
  readonly mark: string
}

/**
 * Where tasks are kept and given out. A promise that resolves means: on disk, and seen by everybody. One that rejects
 * has changed nothing: with `not-found` (no such task), `conflict` (the world moved on) or `disk-full`.
 *
 * A task waits (0), is in progress (1) with exactly one holder, and ends finished (2) or failed (3). Tasks are given out
 * in the order in which they were made; one that came back keeps its place. Dispatch costs the same however many tasks
 * wait, run or have ended. A holder is lost when it lets its lease end: the task is then given out again, after the
 * lease and at most 1 s more. Until that has happened the holder may still renew and finish.
 */
export interface TaskEngine {
  /**
   * Makes a task that waits, under `id` or an unguessable id of its own; the same id again is the same task. `conflict` when
   * the id was given up.
   */
  newTask(id?: number): Promise<number>
  /**
   * The task, or `undefined`. With `waitMs` after its next change, with `forEnd` after the one that ends it, at the latest when
   * the time is up; one that has ended is answered at once, since it changes no more by itself.
   */
  get(id: number, waiting?: Waiting & { readonly forEnd?: boolean }): Promise<Task | undefined>
  /**
   * Gives out the oldest task that waits, to the worker that has most such asks waiting, of two in turn; `undefined` when none
   * came in time.
   */
  take(asking: Asking): Promise<Granted | undefined>
  /** Answers all that this worker asks with nothing; what was granted to it stays so. */
  endAsks(worker: string): Promise<void>
  /** Takes back a grant that never reached its worker, uncounted; nothing when it has ended already. */
  undoGrant(id: number, mark: string): Promise<void>
  /** Begins the holder's lease anew. */
  renew(id: number, token: string): Promise<void>
  /** Hands the task back: it waits again, uncounted, and may be given out at once, or after `pauseMs`. */
  release(id: number, token: string, pauseMs?: number): Promise<void>
  /** Fails it for good, or, with `mayRetry`, gives it back until it has failed 3 times. */
  fail(id: number, token: string, failure: Failure): Promise<void>
  /**
   * Finishes it; the holder's attempt becomes its result, in the same step. The same token again is fine again. Without
   * a token only a plain grant is finished, once. Gives a task to `next`, in the same step, if one waits.
   */
  finish(id: number, token?: string, end?: End): Promise<Granted | undefined>
  /**
   * The operator's override, whoever holds it: 0 lets it wait again with its counters at 0, 1 grants it plainly, 2
   * finishes it with the plain result, 3 fails it. A finished task stays as it is: anything but 2 is `conflict`.
   */
  set(id: number, state: number): Promise<void>
  /** Forgets the task, whatever its state; nothing when there is none. */
  remove(id: number): Promise<void>
  /**
   * Forgets a task that ended at least `endedMs` ago, and gives its id up, also when there is no task: for an hour none is
   * made under it, so whoever resolves may throw its images away. `conflict` while it waits, runs, or ended later.
   */
  giveUp(id: number, endedMs: number): Promise<void>
  /**
   * Tasks changed after the revision `since`, oldest change first, at most `limit`; waits when there are none. The answer's
   * `revision` is where to read on. Revisions only rise, also over restarts; a `since` from the future is answered at
   * once with the present one and no tasks. What was removed is told of by its id, as long
   * as that is known; renewals are no change.
   */
  changes(options: Waiting & { since: number; limit?: number }): Promise<Changes>
  /** How the queue stands; it costs the same however many tasks there are. */
  overview(): Overview
  /** Every task, in the order in which they were made. */
  list(): AsyncIterable<{ id: number; state: number }>
  /** Answers whoever waits with nothing, and closes what is open; nothing the second time. */
  close(): Promise<void>
}
