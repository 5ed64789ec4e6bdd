import * as z from 'zod'
import { bytes, defineContract, get, id, idText, json, post, text, waitSeconds } from '../kit/contract.ts'
import { pngSignature } from '../storage/contract.ts'

export const ready = 'Your image is ready.'
export const notReady = 'Your image is not ready yet.'

/** How an instance of a service is, as far as the frontend can tell. */
export const instanceStatus = z.object({
  service: z.string(),
  /** `up`: it answered in time and is ready. `not ready`: it answered; it starts, or is about to end. */
  state: z.enum(['up', 'not ready', 'away']),
  /** Why it counts as away, and what else is to be known. */
  note: z.string().optional(),
  address: z.string().optional(),
  instance: z.string().optional(),
  version: z.string().optional(),
  /** How long its answer took, in ms. */
  tookMs: z.number().optional(),
})
export type InstanceStatus = z.infer<typeof instanceStatus>
export const statusReport = z.object({ instances: z.array(instanceStatus) })
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
      query: { id },
      reply: bytes('image/png', pngSignature),
      summary: 'the result',
    }),
    task: get('/task', {
      query: { id },
      reply: text(z.string()),
      mayStream: true,
      summary: 'a page about one task; by Accept JSON, or events up to its end',
    }),
    status: get('/status', {
      reply: json(statusReport),
      summary: 'for operators: how every service is; a page, or JSON by Accept',
    }),
  },
})
