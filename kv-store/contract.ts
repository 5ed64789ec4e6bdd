import * as z from 'zod'
import {
  defineContract,
  del,
  get,
  json,
  lines,
  post,
  revision,
  success,
  text,
  waitSeconds,
  wholeNumber,
} from '../kit/contract.ts'

const key = z.string().min(1, 'is empty').max(1_000, 'is longer than 1000 characters')
const value = z.string().min(1, 'is empty').max(10_000, 'is longer than 10000 characters')
const instance = z.string().min(1, 'is empty').max(200, 'is longer than 200 characters')

/** A plain entry has no instance and never ends; a leased one ends `expiresInMs` after now unless it is renewed. */
export const entry = z.object({
  value: z.string(),
  instance: z.string().optional(),
  expiresInMs: z.number().optional(),
})
export type Entry = z.infer<typeof entry>

export const kvStoreContract = defineContract({
  service: 'kv-store',
  routes: {
    get: get('/get', {
      query: { key },
      reply: text(z.string().min(1)),
      summary: 'one live value of a key: of the leased entries in turn, else the plain one',
    }),
    set: post('/set', {
      query: { key, value, instance: instance.optional(), ttl: wholeNumber(1, 86_400).optional() },
      reply: success,
      isIdempotent: true,
      summary: 'sets the plain value; with instance and ttl (seconds), a leased entry beside it',
    }),
    remove: del('/remove', {
      query: { key, instance: instance.optional() },
      reply: success,
      summary: 'takes out the plain value and all leased ones, or one instance alone',
    }),
    list: get('/list', { reply: lines, summary: 'a line a key: `key : value`' }),
    getAll: get('/getAll', {
      query: { key },
      reply: json(z.array(entry)),
      summary: 'every live entry of a key',
    }),
    watch: get('/watch', {
      query: { key, since: revision.default(0), wait: waitSeconds.default(0) },
      reply: json(z.object({ revision: z.number().int(), entries: z.array(entry) })),
      summary: 'the entries of a key, as soon as they changed after the revision `since`',
    }),
  },
})
