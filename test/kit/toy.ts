import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { z } from 'zod'
import { collect } from '../../kit/body.ts'
import {
  type Bytes,
  bytes,
  defineContract,
  get,
  id,
  idText,
  json,
  lines,
  optionalJson,
  post,
  success,
  text,
  waitSeconds,
} from '../../kit/contract.ts'
import { addRoutes, buildServer, type Handlers, type ServerOptions } from '../../kit/server.ts'

/** What the toy's pictures begin with. */
export const signature = Buffer.from('TOY!')

/** A contract with one route of every kind, small enough to be kept in mind. */
export const toyContract = defineContract({
  service: 'toy',
  key: 'toyAddress',
  routes: {
    byId: get('/byId', {
      query: { id, wait: waitSeconds.optional() },
      reply: json(z.object({ id: z.number().int() })),
      summary: 'a thing',
    }),
    count: post('/count', { body: 'bytes', reply: text(idText), summary: 'how many bytes those are' }),
    put: post('/put', { body: 'bytes', reply: success, isIdempotent: true, summary: 'may be said again' }),
    set: post('/set', { body: z.object({ id: z.number().int() }), reply: success, summary: 'takes JSON' }),
    note: post('/note', { body: 'text', reply: text(z.string()), summary: 'says the text again' }),
    picture: get('/picture', { reply: bytes('image/png', signature), summary: 'a picture' }),
    rows: get('/rows', { reply: lines, summary: 'lines' }),
    next: post('/next', {
      reply: optionalJson(z.object({ id: z.number() })),
      summary: 'a thing, or nothing',
    }),
  },
})
export type ToyHandlers = Handlers<typeof toyContract>

/** How many bytes a body has. */
export async function sizeOf({ data }: Bytes): Promise<number> {
  return Buffer.isBuffer(data) ? data.length : (await collect(data, 1e9)).length
}

const standard: ToyHandlers = {
  byId: async ({ query }) => ({ id: query.id }),
  count: async ({ body }) => String(await sizeOf(body)),
  put: async ({ body }) => {
    await sizeOf(body)
    return 'success'
  },
  set: async () => 'success',
  note: async ({ body }) => body,
  picture: async () => ({ data: Buffer.from('TOY! and more') }),
  rows: async () => (async function* () {})(),
  next: async () => undefined,
}

/** The toy service, with some handlers of the test's own. Closed with the test. */
export function buildToy(
  t: Test,
  handlers: Partial<ToyHandlers> = {},
  options: Partial<ServerOptions> & { instance?: string; service?: string } = {},
): FastifyInstance {
  const { instance = 'toy-1', service = 'toy', ...rest } = options
  const app = buildServer({
    identity: { service, instance, version: '0' },
    guard: { secrets: [] },
    maxBodyBytes: 1e6,
    ...rest,
  })
  addRoutes(app, toyContract, { ...standard, ...handlers })
  t.teardown(() => app.close())
  return app
}

/** Listens on a port of the system's choice; gives `127.0.0.1:port`. */
export async function listen(app: FastifyInstance): Promise<string> {
  await app.listen({ host: '127.0.0.1', port: 0 })
  return `127.0.0.1:${portOf(app)}`
}

export const portOf = (app: FastifyInstance) => (app.server.address() as { port: number }).port
