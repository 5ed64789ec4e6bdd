import * as z from 'zod'
import { overview } from '../database/contract.ts'
import {
  bytes,
  defineContract,
  get,
  id,
  idList,
  idText,
  json,
  post,
  success,
  text,
  waitSeconds,
} from '../kit/contract.ts'
import { imageState, pngSignature } from '../storage/contract.ts'

export const ready = 'Your image is ready.'
export const notReady = 'Your image is not ready yet.'

/** Most tasks that one stream of events tells of, and that one archive has. */
export const MOST_TASKS = 500
/** A ZIP file begins with this, its first local file header (APPNOTE.TXT, 4.3.7). */
const zipSignature = Buffer.from('PK\x03\x04')

/** How an instance of a service is, as far as the frontend can tell. */
export const instanceStatus = z.object({
  service: z.string(),
  /**
   * `up`: it answered in time and is ready. `not ready`: it answered; it starts, or is about to end. `slow`: it did not answer in
   * time. `away`: nobody is there. `unknown`: the kv-store does not say who is there, and never did.
   */
  state: z.enum(['up', 'not ready', 'slow', 'away', 'unknown']),
  /** Why it is not up, and what else is to be known. */
  note: z.string().optional(),
  address: z.string().optional(),
  instance: z.string().optional(),
  version: z.string().optional(),
  /** How long its answer took, in ms. */
  tookMs: z.number().optional(),
  /** What it says of itself in numbers: tasks of a worker, bytes of a storage. */
  facts: z.record(z.string(), z.number()).optional(),
})
export type InstanceStatus = z.infer<typeof instanceStatus>
export const statusReport = z.object({
  instances: z.array(instanceStatus),
  /** How the queue stands; none where nobody said so in time. */
  overview: overview.optional(),
})
export type StatusReport = z.infer<typeof statusReport>

export const frontendContract = defineContract({
  service: 'frontend',
  key: 'frontendAddress',
  routes: {
    home: get('/', { reply: text(z.string()), summary: 'the page with the form' }),
    submitTask: post('/submitTask', {
      body: 'form',
      reply: text(idText),
      summary:
        'takes an upload, the file field `uploadfile` of a multipart form; a browser is sent on to /task',
    }),
    isReady: get('/isReady', {
      query: { id, wait: waitSeconds.default(0) },
      reply: text(z.enum([ready, notReady])),
      summary: 'whether the result is there; with `wait` as soon as it is, or after so many seconds',
    }),
    getImage: get('/getImage', {
      query: { id, state: imageState.optional() },
      reply: bytes('image/png', pngSignature),
      summary: 'the result; with state=working what was uploaded',
    }),
    getImages: get('/getImages', {
      query: {
        ids: idList(MOST_TASKS),
        names: z.string().max(8_000, 'is longer than 8000 characters').optional(),
      },
      reply: bytes('application/zip', zipSignature),
      summary:
        'the results of those tasks that are ready, as a ZIP file; `names`, one for each id, with / between them',
    }),
    tryAgain: post('/tryAgain', {
      query: { id },
      reply: success,
      isIdempotent: true,
      summary: 'lets a failed task be tried again; a browser’s form is sent on to /task',
    }),
    deleteTask: post('/deleteTask', {
      query: { id },
      reply: success,
      isIdempotent: true,
      summary: 'deletes a task and its images; a browser’s form is sent on to /',
    }),
    task: get('/task', {
      query: { id },
      reply: text(z.string()),
      mayStream: true,
      summary: 'a page about one task; by Accept JSON, or events up to its end',
    }),
    events: get('/events', {
      query: { ids: idList(MOST_TASKS).optional() },
      reply: text(z.string()),
      mayStream: true,
      summary:
        'events about tasks, up to the end of the last one; by Accept how all of them stand, as JSON; for operators, without ids, about every task',
    }),
    script: get('/page.js', {
      query: { v: z.string().max(100, 'is longer than 100 characters').optional() },
      reply: text(z.string()),
      summary: 'what makes more of the pages, where scripts run',
    }),
    status: get('/status', {
      reply: json(statusReport),
      summary: 'for operators: how every service is; a page, or JSON by Accept',
    }),
  },
})
