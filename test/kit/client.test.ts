import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { collect } from '../../kit/body.ts'
import { type Client, createClient } from '../../kit/client.ts'
import { type Bytes, get, lines } from '../../kit/contract.ts'
import { type ErrorCode, ServiceError, statusOfCode } from '../../kit/errors.ts'
import type { Response } from '../../kit/peer.ts'
import { createTransport, type Transport } from '../../kit/transport.ts'
import { buildToy, listen, type ToyHandlers, toyContract } from './toy.ts'
import { openBareServer } from './wire.ts'

/** A client of whoever is at `address`, which closes with the test. */
function clientOf(t: Test, address: string): Client<typeof toyContract> {
  const options = { service: 'toy', trustsPlain: true, allowedHosts: [], warn: () => {} }
  const transport = createTransport(options)
  transport.setEntries([{ value: address }])
  t.teardown(() => transport.close())
  return createClient(toyContract, transport)
}

async function pair(t: Test, handlers: Partial<ToyHandlers>) {
  return clientOf(t, await listen(buildToy(t, handlers)))
}

/** A server that says the same whatever it is asked, as the original services nearly do; it has no /health. */
async function originalSaying(t: Test, status: number, said: string | Buffer) {
  const { address } = await openBareServer(t, (request, response) => {
    request.resume()
    response.statusCode = request.url === '/health' ? 404 : status
    response.end(request.url === '/health' ? '404 page not found\n' : said)
  })
  return clientOf(t, address)
}

const whole = async ({ data }: Bytes) => String(Buffer.isBuffer(data) ? data : await collect(data, 1e8))

t.test('every kind of route goes there and back', async t => {
  const ask = await pair(t, {
    rows: async () => Readable.from(['one\n', 'two\n', 'three']),
    next: async ({ query }) => (Object.keys(query).length === 0 ? { id: 7 } : undefined),
  })
  t.same(await ask.byId({ id: 7 }), { id: 7 })
  t.equal(await ask.count({}, { body: { data: Buffer.from('abc') } }), '3')
  t.equal(await ask.count({}, { body: { data: Readable.from([Buffer.alloc(100_000)]) } }), '100000')
  t.equal(await ask.set({}, { body: { id: 7 } }), 'success')
  t.equal(await ask.note({}, { body: 'späte Grüße' }), 'späte Grüße')
  const picture = await ask.picture({})
  t.equal(picture.length, 13)
  t.equal(await whole(picture), 'TOY! and more')
  const rows = []
  for await (const row of await ask.rows({})) rows.push(row)
  t.same(rows, ['one', 'two', 'three'])
  t.same(await ask.next({}), { id: 7 })
})

t.test(
  'until when bytes are kept goes with them, in whole seconds, and a date that is none is not believed',
  async t => {
    const keptUntil = Date.UTC(2030, 0, 31, 12, 30, 59, 999)
    const data = Buffer.from('TOY! and more')
    const ask = await pair(t, { picture: async () => ({ data, keptUntil }) })
    t.equal((await ask.picture({})).keptUntil, keptUntil - 999)
    t.notOk('keptUntil' in (await (await pair(t, {})).picture({})))
    const { address } = await openBareServer(t, (request, response) => {
      if (request.url === '/health') response.statusCode = 404
      response.setHeader('sunset', 'some day').end(data)
    })
    t.notOk('keptUntil' in (await clientOf(t, address).picture({})))
  },
)

t.test('an answer of 204 is undefined', async t => {
  t.equal(await (await pair(t, {})).next({}), undefined)
})

t.test('a length goes with the bytes where it is known, and a large answer comes whole', async t => {
  const lengths: (number | undefined)[] = []
  const data = () => Readable.from([Buffer.from('TO'), Buffer.from('Y!'), Buffer.alloc(3_000_000)])
  const ask = await pair(t, {
    count: async ({ body }) => {
      lengths.push(body.length)
      return String((await whole(body)).length)
    },
    picture: async () => ({ data: data(), length: 3_000_004 }),
  })
  await ask.count({}, { body: { data: Readable.from([Buffer.from('abc')]), length: 3 } })
  await ask.count({}, { body: { data: Readable.from([Buffer.from('abc')]) } })
  t.same(lengths, [3, undefined])
  const picture = await ask.picture({})
  t.equal(picture.length, 3_000_004)
  t.equal((await whole(picture)).length, 3_000_004)
})

t.test('a line is whole also where a piece ends within a character', async t => {
  const bytes = Buffer.from('grün : ü\nrot : ö')
  const pieces = [...bytes].map(byte => Buffer.of(byte))
  const response = { status: 200, headers: {}, body: Readable.from(pieces), isOriginal: false } as Response
  const transport = { send: async () => response } as Partial<Transport> as Transport
  const contract = { service: 'toy', routes: { rows: get('/rows', { reply: lines, summary: '' }) } } as const
  const rows = []
  for await (const row of await createClient(contract, transport).rows({})) rows.push(row)
  t.same(rows, ['grün : ü', 'rot : ö'])
})

t.test('when to come back is carried on, unless it is no number of seconds from 1 to 60', async t => {
  const after = async (header: string | undefined) => {
    const { address } = await openBareServer(t, (request, response) => {
      request.resume()
      const headers = header === undefined ? {} : { 'retry-after': header }
      response.writeHead(request.url === '/health' ? 404 : 503, headers).end('Error: full')
    })
    const error = await clientOf(t, address)
      .count({}, { body: { data: Buffer.from('x') } })
      .catch((thrown: ServiceError) => thrown)
    return (error as ServiceError).retryAfterSeconds
  }
  t.equal(await after('17'), 17)
  t.equal(await after('900'), 60)
  t.equal(await after('0'), 1)
  for (const odd of [undefined, 'soon', '-1', '1.5', 'Wed, 21 Oct 2026 07:28:00 GMT', '99999999'])
    t.equal(await after(odd), undefined, `${odd}`)
})

t.test('a refusal is thrown as it was on the other side, but for those of whoever asked itself', async t => {
  const ofAsker: readonly string[] = ['unauthorized', 'forbidden']
  for (const code of Object.keys(statusOfCode).filter(code => !ofAsker.includes(code)) as ErrorCode[]) {
    const ask = await pair(t, { byId: async () => Promise.reject(new ServiceError(code, `it is ${code}`)) })
    const error = await ask.byId({ id: 7 }).then(
      () => undefined,
      (error: unknown) => error,
    )
    t.ok(error instanceof ServiceError)
    t.match(error, { code, message: `it is ${code}`, status: statusOfCode[code] })
  }
})

t.test('an answer of 200 is judged by its body', async t => {
  const ask = await originalSaying(t, 200, 'Error: No non-started task.')
  const refused = { code: 'bad-answer' }
  await t.rejects(ask.byId({ id: 7 }), { ...refused, message: 'No non-started task.' })
  await t.rejects(ask.count({}, { body: { data: Buffer.from('x') } }), refused)
  await t.rejects(ask.set({}, { body: { id: 7 } }), refused)
  await t.rejects(ask.picture({}), { ...refused, message: 'The answer is not what was asked for.' })
  for (const said of ['', 'TO', 'TOX!', '\n'])
    await t.rejects((await originalSaying(t, 200, said)).picture({}), refused, JSON.stringify(said))
  for (const said of ['', '{}', '{"id":"7"}', '[7]', 'null'])
    await t.rejects((await originalSaying(t, 200, said)).byId({ id: 7 }), refused, JSON.stringify(said))
  t.equal(await (await originalSaying(t, 200, 'success\n')).set({}, { body: { id: 7 } }), 'success')
})

t.test('an original says 400 to what it does not have; ours says what it means', async t => {
  await t.rejects((await originalSaying(t, 400, 'Error: no such id\n')).byId({ id: 7 }), {
    code: 'not-found',
    message: 'no such id',
  })
  const ask = await pair(t, {
    byId: async () => Promise.reject(new ServiceError('bad-request', 'not like that')),
  })
  await t.rejects(ask.byId({ id: 7 }), { code: 'bad-request' })
})

t.test(
  'a status nobody promised, a code nobody knows and an endless refusal are told apart from ours',
  async t => {
    await t.rejects((await originalSaying(t, 302, 'elsewhere')).byId({ id: 7 }), { code: 'bad-answer' })
    await t.rejects((await originalSaying(t, 418, 'a teapot')).byId({ id: 7 }), { code: 'bad-answer' })
    await t.rejects((await originalSaying(t, 404, Buffer.alloc(100_000, 'x'))).byId({ id: 7 }), {
      code: 'not-found',
    })
    for (const error of [{ code: 'toString', message: 'x' }, { code: 7, message: 7 }, 'text', null])
      await t.rejects(
        (await originalSaying(t, 409, JSON.stringify({ error }))).byId({ id: 7 }),
        { code: 'conflict', status: 409 },
        JSON.stringify(error),
      )
  },
)

t.test(
  'an answer that breaks off is asked for again where it is small, and fails its reader where it is a stream',
  async t => {
    let cuts = 0
    const cutting = async (length: number, most: number) => {
      cuts = 0
      const { address } = await openBareServer(t, (request, response) => {
        if (request.url === '/health') return void response.writeHead(404).end()
        response.writeHead(200, { 'content-length': length })
        response.write('TOY! and')
        if (cuts === most) return void response.end('.'.repeat(length - 8))
        cuts += 1
        setTimeout(() => response.destroy(), 20)
      })
      return clientOf(t, address)
    }
    t.equal((await whole(await (await cutting(100, 2)).picture({}))).length, 100)
    t.equal(cuts, 2)
    await t.rejects((await cutting(100, Number.POSITIVE_INFINITY)).picture({}), { code: 'unavailable' })
    t.ok(cuts > 2)
    const asked = (await cutting(100_000, 1)).picture({})
    await t.rejects(whole(await asked))
    await t.rejects(
      (await cutting(20, 1)).next({}),
      { code: 'unavailable' },
      'not what must not be done twice',
    )
    t.equal(cuts, 1)
  },
)

t.test('bytes that fail before the first of them are a refusal, after it a broken answer', async t => {
  const early = await pair(t, {
    picture: async () => ({
      data: new Readable({
        read() {
          this.destroy(new ServiceError('not-found', 'gone'))
        },
      }),
      length: 13,
    }),
  })
  await t.rejects(early.picture({}), { code: 'not-found', message: 'gone' })
  const late = await pair(t, {
    picture: async () => ({
      data: Readable.from(
        (async function* () {
          yield Buffer.from('TOY! and')
          await new Promise(setImmediate)
          throw new Error('the disk')
        })(),
      ),
      length: 13,
    }),
  })
  await t.rejects(async () => whole(await late.picture({})))
})

t.test('a caller who gives up ends the request', async t => {
  let isAborted = false
  const ask = await pair(t, {
    byId: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          isAborted = true
          reject(signal.reason)
        })
        leaving.abort()
      }),
  })
  const leaving = new AbortController()
  await t.rejects(ask.byId({ id: 7 }, { signal: leaving.signal }), { name: 'AbortError' })
  while (!isAborted) await new Promise(setImmediate)
})

t.test('a signal says nothing once the answer is there', async t => {
  const signals: AbortSignal[] = []
  const ask = await pair(t, {
    async byId({ query, signal }) {
      signals.push(signal)
      if (query.id === 9) throw new ServiceError('not-found', 'No such thing.')
      return { id: query.id }
    },
  })
  t.same(await ask.byId({ id: 7 }), { id: 7 })
  await t.rejects(ask.byId({ id: 9 }), { code: 'not-found' })
  // Where one of several that were asked fails, the others may still wait.
  while (signals[1]?.aborted !== true) await new Promise(setImmediate)
  t.equal(signals[0]?.aborted, false)
})

t.test('parameters come as they were, whatever is in them', async t => {
  const heard: unknown[] = []
  const ask = await pair(t, {
    async byId({ request }) {
      heard.push(request.query)
      return { id: 7 }
    },
  })
  const strange = { id: 7, name: 'a b+c&d=e%20#ü/?', none: undefined, empty: '' }
  t.same(await ask.byId(strange as { id: number }), { id: 7 })
  t.same({ ...(heard[0] as object) }, { id: '7', name: strange.name, empty: '' })
})
