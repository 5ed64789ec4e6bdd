import { once } from 'node:events'
import { createServer, Server } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { discard, SMALL_BODY_BYTES } from '../../kit/body.ts'
import { createClient } from '../../kit/client.ts'
import { ServiceError } from '../../kit/errors.ts'
import type { Entry } from '../../kit/peer.ts'
import { createTransport, SILENT_MS } from '../../kit/transport.ts'
import { crooked } from './crooked.ts'
import { openDoor } from './doors.ts'
import { buildToy, listen, toyContract } from './toy.ts'
import { openBareServer, until } from './wire.ts'

interface Given {
  readonly secret?: string
  readonly trustsPlain?: boolean
  readonly allowedHosts?: readonly string[]
}

/** A client of whoever `entries` name, and what was warned of. */
function connect(t: Test, entries: readonly Entry[], given: Given = {}) {
  const warnings: string[] = []
  const warn = (message: string) => void warnings.push(message)
  const transport = createTransport({ service: 'toy', trustsPlain: false, allowedHosts: [], warn, ...given })
  t.teardown(() => transport.close())
  transport.setEntries(entries)
  return { ask: createClient(toyContract, transport), transport, warnings }
}

/** Toys that count what they are asked. */
async function openToys(t: Test, count: number) {
  const asked = Array.from({ length: count }, () => 0)
  const apps = asked.map((_, i) => {
    const countUp = async ({ query }: { query: { id: number } }) => {
      asked[i] = (asked[i] ?? 0) + 1
      return { id: query.id }
    }
    return buildToy(t, { byId: countUp }, { instance: `toy-${i}` })
  })
  const values = await Promise.all(apps.map(listen))
  const entries = values.map((value, i) => ({ value, instance: `toy-${i}` }))
  return { apps, entries, asked }
}

/** Port of this machine where nobody listens. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

t.test('requests are spread over the instances evenly', async t => {
  const { entries, asked } = await openToys(t, 3)
  const { ask } = connect(t, entries)
  await until('each has been found', async () => {
    await ask.byId({ id: 1 })
    return asked.every(count => count > 0)
  })
  const before = [...asked]
  for (let i = 0; i < 30; i++) await ask.byId({ id: i })
  // The first of them may be the rest of a round.
  for (const [i, count] of asked.entries()) t.ok(Math.abs(count - (before[i] ?? 0) - 10) <= 1)
})

t.test('of several the one that owes the fewest answers is asked', async t => {
  const waiting: (() => void)[] = []
  const asked = [0, 0]
  const apps = asked.map((_, i) => {
    const byId = async ({ query }: { query: { id: number } }) => {
      asked[i] = (asked[i] ?? 0) + 1
      if (query.id === 1) await new Promise<void>(resolve => waiting.push(resolve))
      return { id: query.id }
    }
    return buildToy(t, { byId }, { instance: `toy-${i}` })
  })
  const values = await Promise.all(apps.map(listen))
  const { ask } = connect(
    t,
    values.map((value, i) => ({ value, instance: `toy-${i}` })),
  )
  await until('each has been found', async () => {
    await ask.byId({ id: 2 })
    return asked.every(count => count > 0)
  })
  const held = ask.byId({ id: 1 })
  await until('it is there', () => waiting.length === 1)
  const before = [...asked]
  // At once: what has owed for long is passed over anyway.
  for (let i = 0; i < 6; i++) await ask.byId({ id: 2 })
  const more = asked.map((count, i) => count - (before[i] ?? 0)).sort()
  t.same(more, [0, 6])
  for (const go of waiting) go()
  await held
})

t.test(
  'who owes an answer in silence is asked no more while there is another, and again once it spoke',
  async t => {
    let isStanding = true
    const asked = [0, 0]
    const waiting: (() => void)[] = []
    const apps = asked.map((_, i) => {
      const byId = async ({ query }: { query: { id: number } }) => {
        asked[i] = (asked[i] ?? 0) + 1
        if (i === 0 && isStanding) await new Promise<void>(resolve => waiting.push(resolve))
        return { id: query.id }
      }
      return buildToy(t, { byId }, { instance: `toy-${i}` })
    })
    const values = await Promise.all(apps.map(listen))
    const { ask } = connect(
      t,
      values.map((value, i) => ({ value, instance: `toy-${i}` })),
    )
    const asking: Promise<unknown>[] = []
    await until('one waits', async () => {
      asking.push(ask.byId({ id: 1 }))
      return waiting.length > 0
    })
    await delay(3 * SILENT_MS)
    const [before] = asked
    for (let i = 0; i < 20; i++) await ask.byId({ id: i })
    t.equal(asked[0], before)
    for (let i = 0; i < 10; i++) {
      apps[1]?.server.closeAllConnections()
      await delay(5)
      await ask.byId({ id: i })
    }
    t.equal(asked[0], before, 'nor while the other has to say again who it is')
    isStanding = false
    for (const go of waiting) go()
    await Promise.all(asking)
    for (let i = 0; i < 20; i++) await ask.byId({ id: i })
    t.ok((asked[0] ?? 0) >= (before ?? 0) + 9, `${asked[0]} of 20 more than ${before}`)
  },
)

t.test('all who ask at once while the only one found is silent are sent to it together', async t => {
  const waiting: (() => void)[] = []
  const byId = async ({ query }: { query: { id: number } }) => {
    await new Promise<void>(resolve => waiting.push(resolve))
    return { id: query.id }
  }
  const entry = { value: await listen(buildToy(t, { byId })), instance: 'toy-1' }
  const { ask, transport } = connect(t, [entry])
  const asking = [ask.byId({ id: 0 })]
  await until('it owes an answer', () => waiting.length === 1)
  await delay(2 * SILENT_MS)
  let isGivenUp = false
  const bare = await openBareServer(t, (_request, response) => {
    response.on('close', () => {
      isGivenUp = true
    })
  })
  transport.setEntries([entry, { value: bare.address, instance: 'toy-2' }])
  // More than would be sent one after the other until the other one is given up.
  for (let id = 1; id <= 20; id++) asking.push(ask.byId({ id }))
  await until('all are there', () => waiting.length === asking.length)
  t.same(bare.requests, ['GET /health'])
  t.notOk(isGivenUp, 'while the other one is still asked who it is')
  for (const go of waiting) go()
  t.equal((await Promise.all(asking)).length, 21)
})

t.test('who only looks whether it is an original takes nobody’s turn', async t => {
  const { entries, asked } = await openToys(t, 2)
  const { ask, transport } = connect(t, entries)
  await until('each has been found', async () => {
    await ask.byId({ id: 1 })
    return asked.every(count => count > 0)
  })
  let turns = ''
  for (let i = 0; i < 40; i++) {
    const [before] = asked
    await ask.byId({ id: i })
    turns += asked[0] === before ? 'b' : 'a'
    t.equal(await transport.isOriginal(), false)
  }
  // Each round has both, in an order of its own.
  t.notMatch(turns, /aaa|bbb/)
})

t.test('an instance that ends is skipped, and nobody notices', async t => {
  const { apps, entries, asked } = await openToys(t, 3)
  const { ask } = connect(t, entries)
  await until('each has been found', async () => {
    await ask.byId({ id: 1 })
    return asked.every(count => count > 0)
  })
  const asking = Array.from({ length: 200 }, async (_, i) => {
    if (i === 50) await apps[1]?.close()
    return ask.byId({ id: i })
  })
  t.equal((await Promise.all(asking)).length, 200)
  const before = asked[1]
  for (let i = 0; i < 20; i++) await ask.byId({ id: i })
  t.equal(asked[1], before)
})

t.test('an upload in pieces goes on to the next instance while nothing of it was read', async t => {
  const { apps, entries } = await openToys(t, 2)
  const { ask } = connect(t, entries)
  // Both are known, over connections that stay; one of them takes no further ones.
  for (let i = 0; i < 10; i++) await ask.byId({ id: i })
  Server.prototype.close.call(apps[0]?.server)
  for (let i = 0; i < 4; i++) {
    const data = Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_000)])
    t.equal(await ask.count({}, { body: { data } }), '200000')
  }
})

t.test('an address that refuses, or answers nothing, costs a request little', async t => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { entries } = await openToys(t, 1)
  const dead = [await freePort(), (silent.address() as { port: number }).port]
  const { ask } = connect(t, [
    ...dead.map(port => ({ value: `127.0.0.1:${port}`, instance: 'x' })),
    ...entries,
  ])
  const began = performance.now()
  for (let i = 0; i < 20; i++) await ask.byId({ id: i })
  t.ok(performance.now() - began < 1_000)
})

t.test('answers in bytes that nobody reads on hold up no other request', async t => {
  const data = () => Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(100_000, 'TOY!')))
  const app = buildToy(t, { picture: async () => ({ data: data() }) })
  const { ask } = connect(t, [{ value: await listen(app), instance: 'toy-1' }])
  // More than the connections that small questions have.
  const unread = await Promise.all(Array.from({ length: 40 }, () => ask.picture({})))
  t.same(await ask.byId({ id: 7 }, { signal: AbortSignal.timeout(5_000) }), { id: 7 })
  for (const body of unread) discard(body)
})

t.test('large bodies that are slow to be taken in hold up no small question, whole ones either', async t => {
  const held: (() => void)[] = []
  const count = async () => {
    await new Promise<void>(resolve => held.push(resolve))
    return '1'
  }
  const { ask } = connect(t, [{ value: await listen(buildToy(t, { count })), instance: 'toy-1' }])
  const large = Buffer.alloc(SMALL_BODY_BYTES + 1)
  // More of either than the connections that small questions have.
  const storing = Array.from({ length: 80 }, (_, at) =>
    ask.count({}, { body: { data: at % 2 ? large : Readable.from([large]) } }),
  )
  await until('all are there', () => held.length === storing.length)
  t.same(await ask.byId({ id: 7 }, { signal: AbortSignal.timeout(5_000) }), { id: 7 })
  for (const go of held) go()
  await Promise.all(storing)
})

t.test('another service, or another instance, is asked who it is and nothing else', async t => {
  const health = { service: 'toy', instance: 'toy-9', version: '0', ready: true }
  const cases: [string, object, Given][] = [
    ['another service', { ...health, service: 'till', instance: 'toy-1' }, {}],
    ['another instance', health, {}],
    ['who cannot say who it is', { ok: true }, {}],
    ['another service without an instance', { ...health, service: 'till' }, { trustsPlain: true }],
  ]
  for (const [name, said, given] of cases) {
    const bare = await openBareServer(t, (_request, response) => response.end(JSON.stringify(said)))
    const { entries, asked } = await openToys(t, 1)
    const wrong = given.trustsPlain ? { value: bare.address } : { value: bare.address, instance: 'toy-1' }
    const { ask } = connect(t, [wrong, ...entries], { ...given, secret: 'the secret' })
    for (let i = 0; i < 10; i++) await ask.byId({ id: i })
    t.equal(asked[0], 10, name)
    await until('it was asked', () => bare.requests.length > 0)
    t.same([...new Set(bare.requests)], ['GET /health'], name)
  }
})

t.test('who took over the port of another is found out before it gets data', async t => {
  const { apps, entries } = await openToys(t, 1)
  const { ask } = connect(t, entries)
  await ask.byId({ id: 1 })
  await apps[0]?.close()
  const port = Number(entries[0]?.value.split(':')[1])
  const other = { service: 'till', instance: 'till-1', version: '0', ready: true }
  const bare = await openBareServer(t, (_request, response) => response.end(JSON.stringify(other)), port)
  const refused = ask.count({}, { body: { data: Buffer.from('hush') } })
  await t.rejects(refused, { code: 'unavailable' })
  const leaving = new AbortController()
  const question = ask.byId({ id: 7 }, { signal: leaving.signal }).catch((error: unknown) => error)
  await until('it was asked who it is', () => bare.requests.length > 1)
  leaving.abort()
  t.match(await question, { name: 'AbortError' })
  t.same([...new Set(bare.requests)], ['GET /health'])
})

t.test('who took over the port of another in one turn is asked nothing but who it is', async t => {
  const [first, second] = [openDoor(t, 'toy-0'), openDoor(t, 'somebody else')]
  const port = first.open(0)
  const { ask } = connect(t, [{ value: `127.0.0.1:${port}`, instance: 'toy-0' }])
  await ask.byId({ id: 1 })
  // Nothing of this is heard of before the next turn of this thread.
  first.close()
  second.open(port)
  const upload = Buffer.alloc(SMALL_BODY_BYTES + 1)
  await t.rejects(ask.count({}, { body: { data: upload, length: upload.length } }), { code: 'unavailable' })
  t.ok(second.asked.length > 0)
  t.same([...new Set(second.asked)], ['GET /health'])
})

t.test('who finds nobody waits, and goes on as soon as somebody is there', async t => {
  const { entries } = await openToys(t, 1)
  const { ask, transport } = connect(t, [])
  const answer = ask.byId({ id: 7 })
  const stream = new Readable({ read: () => t.fail('the body is read while nobody is there') })
  const leaving = new AbortController()
  const upload = ask.count({}, { body: { data: stream }, signal: leaving.signal })
  await new Promise(resolve => setTimeout(resolve, 200))
  leaving.abort()
  await t.rejects(upload, { name: 'AbortError' })
  const began = performance.now()
  transport.setEntries(entries)
  t.same(await answer, { id: 7 })
  t.ok(performance.now() - began < 1_000)
})

t.test('who finds nobody for 5 s is told so, without an address', async t => {
  const { ask } = connect(t, [{ value: `127.0.0.1:${await freePort()}`, instance: 'x' }])
  const began = performance.now()
  const error = await ask.byId({ id: 7 }).catch((error: unknown) => error)
  const tookMs = performance.now() - began
  t.match(error, { code: 'unavailable', message: 'The toy service cannot be reached now.' })
  const { retryAfterSeconds = 0 } = error as ServiceError
  t.ok(
    retryAfterSeconds >= 5 && retryAfterSeconds <= 7,
    `as long again as it was away: ${retryAfterSeconds} s`,
  )
  t.ok(tookMs > 4_900 && tookMs < 7_000, `${tookMs} ms`)
})

t.test('a crooked address is not connected to, nor one outside the allowed networks', async t => {
  const { apps, entries, asked } = await openToys(t, 1)
  let connections = 0
  apps[0]?.server.on('connection', () => {
    connections += 1
  })
  const port = entries[0]?.value.split(':')[1] ?? ''
  const metadata = ['169.254.169.254:80', '10.0.0.1:80', '0.0.0.0:80', '[fd00::1]:80', 'metadata.internal:80']
  const values = [...crooked, ...metadata].map(value => value.replaceAll('3000', port))
  const { ask, warnings } = connect(
    t,
    values.map(value => ({ value, instance: 'toy-0' })),
    { secret: 'the secret' },
  )
  t.equal(warnings.length, values.length)
  for (const warning of warnings) t.ok(warning.length < 200)
  const leaving = new AbortController()
  setTimeout(() => leaving.abort(), 500)
  await t.rejects(ask.byId({ id: 7 }, { signal: leaving.signal }))
  t.same([connections, ...asked], [0, 0])
})

t.test('an entry without an instance is believed without a secret, and not used with one', async t => {
  const bare = await openBareServer(t, (request, response) => {
    response.statusCode = request.url === '/health' ? 404 : 200
    response.end('{"id":7}')
  })
  const without = connect(t, [{ value: bare.address }], { trustsPlain: true })
  t.same(await without.ask.byId({ id: 7 }), { id: 7 })
  t.ok(await without.transport.isOriginal())
  const before = bare.requests.length
  const withSecret = connect(t, [{ value: bare.address }], { secret: 'the secret' })
  t.match(withSecret.warnings, [/without an instance/])
  const leaving = new AbortController()
  setTimeout(() => leaving.abort(), 300)
  await t.rejects(withSecret.ask.byId({ id: 7 }, { signal: leaving.signal }))
  t.equal(bare.requests.length, before)
})

t.test('who does not let its caller in cannot be used, and the operator hears of it', async t => {
  const value = await listen(buildToy(t, {}, { guard: { secrets: ['the secret'] } }))
  for (const given of [{}, { secret: 'another one' }]) {
    const { ask, warnings } = connect(t, [{ value, instance: 'toy-1' }], given)
    await t.rejects(ask.byId({ id: 7 }), { code: 'unavailable', message: /toy service cannot be used/ })
    const body = { data: Readable.from(['abc', 'def']) }
    await t.rejects(ask.put({}, { body }), { code: 'unavailable' })
    t.ok(body.data.destroyed, 'what was to be sent is let go of')
    t.match(warnings, [/toy does not let this service in/, /toy does not let this service in/])
  }
})

t.test('a service of ours is no original, nor is one that is about to fail', async t => {
  const { entries } = await openToys(t, 1)
  t.notOk(await connect(t, entries).transport.isOriginal())
  const bare = await openBareServer(t, (_request, response) => response.writeHead(503).end())
  const leaving = new AbortController()
  const { ask } = connect(t, [{ value: bare.address }], { trustsPlain: true })
  setTimeout(() => leaving.abort(), 300)
  await t.rejects(ask.byId({ id: 7 }, { signal: leaving.signal }))
  t.same([...new Set(bare.requests)], ['GET /health'])
})

t.test('the secret goes with every request, but not to who has yet to say who it is', async t => {
  const seen: string[] = []
  const bare = await openBareServer(t, (request, response) => {
    seen.push(`${request.url} ${request.headers.authorization}`)
    response.end(request.url === '/health' ? JSON.stringify(health) : '{"id":7}')
  })
  const health = { service: 'toy', instance: 'toy-1', version: '0', ready: true }
  const { ask } = connect(t, [{ value: bare.address, instance: 'toy-1' }], { secret: 'hush' })
  await ask.byId({ id: 7 })
  t.same(seen, ['/health undefined', '/byId?id=7 Bearer hush'])
})

t.test('a body that breaks off is its sender’s doing: the service goes on being asked', async t => {
  const { entries } = await openToys(t, 1)
  const { ask } = connect(t, entries)
  await ask.byId({ id: 1 })
  const reason = new ServiceError('bad-request', 'the sender broke off')
  let isFirst = true
  const broken = () =>
    new Readable({
      read() {
        if (isFirst) this.push('abc')
        else setImmediate(() => this.destroy(reason))
        isFirst = false
      },
    })
  await t.rejects(ask.count({}, { body: { data: broken() } }), reason)
  const began = performance.now()
  await ask.byId({ id: 2 })
  t.ok(performance.now() - began < 300, 'it is not left alone as if it were dead')
})
