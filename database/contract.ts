import * as z from 'zod'
import {
  defineContract,
  done,
  flag,
  get,
  id,
  idList,
  idText,
  json,
  lines,
  optionalJson,
  post,
  revision,
  success,
  text,
  textOrJson,
  waitSeconds,
  wholeNumber,
} from '../kit/contract.ts'

/** 0 not started, 1 in progress, 2 finished, 3 failed. */
export const state = z.int().min(0).max(3)
export const notStarted = 0
export const inProgress = 1
export const finished = 2
export const failed = 3

/** A task, as the database tells of it. Originals know `id` and `state` alone. */
export const task = z.object({
  id: z.int().min(0),
  state,
  /** Number of the last leased grant; 0 before the first. It only rises. */
  attempt: z.int().optional(),
  /** Attempt whose result counts; 0 is the plain one. Only of finished tasks. */
  result: z.int().optional(),
  /** Why it failed; only of failed tasks. */
  reason: z.string().optional(),
  /** How often it was tried in vain, and how often its worker was lost. */
  errors: z.int().optional(),
  losses: z.int().optional(),
  /** Time since it was made, and since it finished or failed, in ms. */
  ageMs: z.number().optional(),
  endedMs: z.number().optional(),
  /** Time since it was given out last, in ms: to its present holder, or to the last one. */
  takenMs: z.number().optional(),
  /** How long its last holder took to fetch it, to swap it, to store the result, in ms: as far as it came, and said so. */
  stepsMs: z.array(z.int()).optional(),
  /** Number of its last change, as the feed counts them. */
  revision: z.int().optional(),
  /** Its place among all that were ever made, in the order in which they are given out; only of tasks that wait. */
  place: z.int().optional(),
  /** Time until its lease ends if it is not renewed, in ms; only of tasks in progress. */
  leaseEndsInMs: z.number().optional(),
})
export type Task = z.infer<typeof task>

/** A task given to a worker. A plain one, as an original asks for it, is `id` and `state` and nothing more. */
export const grant = z.object({
  id: z.int().min(0),
  state: z.literal(inProgress),
  attempt: z.int().optional(),
  /** Names this grant; only who holds it may renew, finish, fail or release it. */
  token: z.string().optional(),
  /** Longest the worker may stay silent, in ms. Past it the task is given out again. */
  leaseMs: z.int().optional(),
  /** The worker lets its other tasks end before it starts this one, and starts no other beside it. */
  alone: z.boolean().optional(),
})
export type Grant = z.infer<typeof grant>

/** One page of the feed of all changes, oldest first. */
export const changes = z.object({
  revision: z.int(),
  tasks: z.array(task),
  /** Tasks that were removed; missing when that is not known any more, as after a restart: who follows some looks for them. */
  removed: z.array(z.int()).optional(),
  /** Place of the task that is given out next; none where none may be. */
  next: z.int().optional(),
})
export type Changes = z.infer<typeof changes>

/** What was done in one minute. */
export const minute = z.object({
  made: z.int(),
  finished: z.int(),
  failed: z.int(),
  /** How long tasks that were granted in it had been there, in the mean, in ms; none where none was. */
  waitMs: z.number().optional(),
})
export type Minute = z.infer<typeof minute>

/** Most that are counted, so that counting holds nobody up: there may be more. */
export const MOST_COUNTED = 100_000

/** How the queue stands, for who runs it. */
export const overview = z.object({
  /** Tasks that may be given out, that pause before they are tried again, that are in progress, that failed; `MOST_COUNTED` at most each. */
  waiting: z.int(),
  paused: z.int(),
  running: z.int(),
  failed: z.int(),
  /** Age of the task that is given out next, in ms. */
  oldestMs: z.number().optional(),
  /** The last hour, oldest minute first, the present one last; empty minutes from before the last start. */
  minutes: z.array(minute),
  /** Tasks in progress with their workers, those first whose lease ends first. */
  held: z.array(task.extend({ worker: z.string().optional() })),
  /** Tasks that failed, the latest first. */
  failures: z.array(task),
})
export type Overview = z.infer<typeof overview>

/** Most ids that one may ask for at once: longer requests would be refused for their length. */
export const MOST_IDS = 500

/** The milliseconds of `stepsMs`, with dots between them. */
const steps = z
  .string()
  .regex(/^[0-9]{1,9}(\.[0-9]{1,9}){0,2}$/, 'is not up to three numbers of ms with dots between them')
  .optional()
const token = z.string().min(1, 'is empty').max(200, 'is longer than 200 characters')

/** `success`, which a grant says as well. */
export const finishReply = textOrJson(z.literal(done), grant)

/** The parameters of routes that master passes on. */
export const ofHolder = { id, token }
export const ofGetNewTask = { worker: token.optional(), wait: waitSeconds.optional() }
export const ofEndAsks = { worker: token }
/** With `pause` it is given out again after that many ms: its holder can do nothing for it now. */
export const ofRelease = { ...ofHolder, pause: wholeNumber(0, 60_000).optional() }
/**
 * With `next` that worker gets the next task together with the end of this one, where one waits; with `wait` as well, in seconds, the
 * answer is held until there is one.
 */
export const ofFinish = {
  id,
  token: token.optional(),
  next: token.optional(),
  wait: waitSeconds.optional(),
  steps,
}
export const ofFail = { id, token, retry: flag.default(0), steps }
export const ofChanges = { since: revision.default(0), wait: waitSeconds.default(0) }

export const databaseContract = defineContract({
  service: 'database',
  key: 'databaseAddress',
  routes: {
    newTask: post('/newTask', {
      query: { id: id.optional() },
      reply: text(idText),
      isIdempotent: true,
      summary: 'makes a task, under an id of its own or the given one; the same again is the same task',
    }),
    getById: get('/getById', {
      query: { id, wait: waitSeconds.optional(), ended: flag.optional() },
      reply: json(task),
      summary: 'a task; with wait (seconds), after its next change, with ended=1 as well once it has ended',
    }),
    getByIds: get('/getByIds', {
      query: { ids: idList(MOST_IDS) },
      reply: json(z.array(task)),
      summary: 'those tasks of the given ids that there are',
    }),
    getNewTask: post('/getNewTask', {
      query: ofGetNewTask,
      reply: optionalJson(grant),
      summary: 'grants the oldest task that waits; plain for 120 s, with a worker for a lease that it renews',
    }),
    endAsks: post('/endAsks', {
      query: ofEndAsks,
      reply: success,
      isIdempotent: true,
      summary: 'answers all that this worker asks for with nothing: it is about to end, and will ask no more',
    }),
    renewTask: post('/renewTask', {
      query: ofHolder,
      reply: success,
      isIdempotent: true,
      summary: 'begins the lease anew',
    }),
    releaseTask: post('/releaseTask', {
      query: ofRelease,
      reply: success,
      summary: 'hands the task back, not counted as an error, to be given out again after `pause` ms',
    }),
    failTask: post('/failTask', {
      query: ofFail,
      body: 'text',
      reply: success,
      summary: 'fails it for good, or with retry=1 to be tried again; the body is the reason',
    }),
    finishTask: post('/finishTask', {
      query: ofFinish,
      reply: finishReply,
      isIdempotent: true,
      summary:
        'finishes it, if the token is the present holder’s; without one, if the grant is plain. With `next` the answer may be that worker’s next grant',
    }),
    setById: post('/setById', {
      body: z.object({ id: z.int().min(0, 'is not an id'), state }),
      reply: success,
      isIdempotent: true,
      summary: 'the operator’s override: 0 puts it back, 1 grants it plainly, 2 finishes it, 3 fails it',
    }),
    deleteTask: post('/deleteTask', {
      query: { id, endedMs: wholeNumber(0, Number.MAX_SAFE_INTEGER).optional() },
      reply: success,
      isIdempotent: true,
      summary:
        'forgets the task, also when there is none; endedMs: only one that ended at least that long ago, whose id is given up for an hour',
    }),
    changes: get('/changes', {
      query: ofChanges,
      reply: json(changes),
      summary: 'tasks changed after the revision `since`, oldest change first',
    }),
    overview: get('/overview', {
      reply: json(overview),
      summary: 'how the queue stands: counts, the last hour, who has what, what failed',
    }),
    list: get('/list', { reply: lines, summary: 'a line a task: `N :  id: N  state: S`' }),
  },
})
