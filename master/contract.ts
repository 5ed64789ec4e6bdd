import * as z from 'zod'
import {
  changes,
  finishReply,
  grant,
  MOST_IDS,
  ofChanges,
  ofEndAsks,
  ofFail,
  ofFinish,
  ofGetNewTask,
  ofHolder,
  ofRelease,
  overview,
  task,
} from '../database/contract.ts'
import {
  bytes,
  defineContract,
  del,
  get,
  id,
  idList,
  idText,
  json,
  optionalJson,
  post,
  success,
  text,
  waitSeconds,
} from '../kit/contract.ts'
import { imageState, pngSignature } from '../storage/contract.ts'

/** What becomes of tasks that have ended. */
export const terms = z.object({
  /** How long a task and its images are kept after it finished or failed, in ms; none where nothing is swept. */
  retentionMs: z.int().min(0).optional(),
})
export type Terms = z.infer<typeof terms>

export const masterContract = defineContract({
  service: 'master',
  key: 'masterAddress',
  routes: {
    new: post('/new', {
      body: 'bytes',
      reply: text(idText),
      summary: 'takes an upload; answers its id once image and task are on disk',
    }),
    get: get('/get', {
      query: { id, state: imageState.optional() },
      reply: bytes('image/png', pngSignature),
      summary: 'the result; with state=working what was uploaded',
    }),
    isReady: get('/isReady', {
      query: { id, wait: waitSeconds.optional() },
      reply: text(z.enum(['0', '1'])),
      summary: '1 when the result is there, else 0; a failed task is refused with its reason',
    }),
    getNewTask: post('/getNewTask', {
      query: ofGetNewTask,
      reply: optionalJson(grant),
      summary:
        'as the database’s; a plain ask that finds nothing is answered with 200 and a line that says so',
    }),
    endAsks: post('/endAsks', {
      query: ofEndAsks,
      reply: success,
      isIdempotent: true,
      summary: 'as the database’s',
    }),
    registerTaskFinished: post('/registerTaskFinished', {
      query: ofFinish,
      reply: finishReply,
      isIdempotent: true,
      summary: 'as the database’s /finishTask',
    }),
    renewTask: post('/renewTask', {
      query: ofHolder,
      reply: success,
      isIdempotent: true,
      summary: 'passed on',
    }),
    releaseTask: post('/releaseTask', { query: ofRelease, reply: success, summary: 'passed on' }),
    failTask: post('/failTask', { query: ofFail, body: 'text', reply: success, summary: 'passed on' }),
    getByIds: get('/getByIds', {
      query: { ids: idList(MOST_IDS) },
      reply: json(z.array(task)),
      summary: 'as the database’s',
    }),
    changes: get('/changes', { query: ofChanges, reply: json(changes), summary: 'passed on' }),
    tryAgain: post('/tryAgain', {
      query: { id },
      reply: success,
      isIdempotent: true,
      summary: 'lets a failed task wait again, with its counters at 0',
    }),
    overview: get('/overview', { reply: json(overview), summary: 'as the database’s' }),
    terms: get('/terms', { reply: json(terms), summary: 'how long what has ended is kept' }),
    delete: del('/delete', {
      query: { id },
      reply: success,
      summary: 'forgets a task and removes its images',
    }),
  },
})
