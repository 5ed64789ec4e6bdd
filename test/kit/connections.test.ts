import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { ServiceError } from '../../kit/errors.ts'
import { limits } from '../../kit/limits.ts'
import type { ServerOptions } from '../../kit/server.ts'
import { buildToy, listen, portOf, type ToyHandlers } from './toy.ts'
import { ask, openWire, until, type Wire } from './wire.ts'

/**
 * For who is slow: what takes longer than a few times this has passed many windows. Whoever says nothing for half of it is let go,
 * however busy the machine was.
 */
const PATIENCE_MS = 500
const impatient = { patienceMs: PATIENCE_MS }

async function open(t: Test, handlers: Partial<ToyHandlers>, options: Partial<ServerOptions> = {}) {
  const app = buildToy(t, handlers, options)
  await listen(app)
  const port = portOf(app)
  const get = (path: string, ...lines: string[]) =>
    [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...lines, '', ''].join('\r\n')
  const visit = async (path: string) => ask(t, port, get(path, 'Connection: close'))
  return { app, port, get, visit }
}

/** A toy for visitors: their readers are watched as well. */
const forVisitors = { ...impatient, guard: undefined }

/** Asks for a picture, and takes up to 64 KB of it every 6 ms. Gives how many bytes came until the connection ended. */
async function takeSlowly(t: Test, port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write('GET /picture HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  let taken = 0
  for await (const piece of socket) {
    taken += piece.length
    await delay(6)
  }
  return taken
}

/** More than the system's own buffers hold between the two. */
const MANY_BYTES = 24_000_000

t.test('a reader who takes nothing is cut, and what was made for him is let go', async t => {
  let isLetGo = false
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(65_536)
    } finally {
      isLetGo = true
    }
  }
  const { port } = await open(t, { picture: async () => ({ data: Readable.from(endless()) }) }, forVisitors)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => {}).write('GET /picture HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('the answer is let go', () => isLetGo)
  t.ok(isLetGo)
})

t.test('a reader who is slow and steady gets all of it, in one piece or in many', async t => {
  const whole = Buffer.alloc(MANY_BYTES)
  const pieces = () => Readable.from(Array.from({ length: MANY_BYTES / 65_536 }, () => Buffer.alloc(65_536)))
  for (const make of [() => whole, pieces]) {
    const { port } = await open(t, { picture: async () => ({ data: make() }) }, forVisitors)
    const began = performance.now()
    const taken = await takeSlowly(t, port)
    t.ok(taken > MANY_BYTES - 65_536, `${taken} bytes`)
    const tookMs = performance.now() - began
    t.ok(tookMs > 3 * PATIENCE_MS, `in ${tookMs} ms`)
  }
})

t.test('a reader who took all of one answer may pause in the next as if it were the first', async t => {
  const patienceMs = 2_000
  const picture = async () => ({ data: Buffer.alloc(MANY_BYTES) })
  const { port, get } = await open(t, { picture }, { ...forVisitors, patienceMs })
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  for (let taken = 0, answers = 1; answers <= 3; answers += 1) {
    socket.write(get('/picture'))
    await delay(0.6 * patienceMs)
    const take = (piece: Buffer) => {
      taken += piece.length
    }
    socket.on('data', take).resume()
    await until('all of it is taken', () => taken > answers * MANY_BYTES || socket.destroyed)
    t.ok(taken > answers * MANY_BYTES, `${answers}`)
    // Long enough to be looked at while it owes nothing.
    await delay(0.3 * patienceMs)
    socket.off('data', take).pause()
  }
})

t.test('an answer that has nothing to say for long is not cut', async t => {
  async function* hesitant() {
    yield 'one\n'
    await delay(4 * PATIENCE_MS)
    yield 'two\n'
  }
  const { visit } = await open(t, { rows: async () => hesitant() }, forVisitors)
  t.match(await visit('/rows'), /one[\s\S]*two/)
})

t.test('between services a reader may take his time', async t => {
  const picture = async () => ({ data: Buffer.alloc(MANY_BYTES) })
  const { port } = await open(t, { picture }, impatient)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(`GET /picture HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`)
  await delay(4 * PATIENCE_MS)
  let taken = 0
  for await (const piece of socket) taken += piece.length
  t.ok(taken > MANY_BYTES, `${taken} bytes`)
})

t.test('slow headers and slow bodies are refused, each in its time', async t => {
  const { port } = await open(t, {}, impatient)
  const began = performance.now()
  const slow = {
    nothing: '',
    headers: 'GET /byId?id=1 HTTP/1.1\r\nX: ',
    body: `POST /count HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 900000\r\n\r\n`,
    text: `POST /note HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 60000\r\n\r\n`,
    chunks: `POST /count HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n`,
  }
  for (const [name, start] of Object.entries(slow)) {
    const wire = await openWire(t, port)
    if (start !== '') wire.say(start)
    const timer = setInterval(() => start !== '' && !wire.isClosed() && wire.say('x'), 20)
    t.teardown(() => clearInterval(timer))
    t.match(await wire.hears(/\r\n\r\nError: /), /^HTTP\/1\.1 408 /, name)
    await wire.closed
  }
  t.ok(performance.now() - began < 5 * (2.5 * PATIENCE_MS + 2_500), 'none lives longer')
})

t.test('at the limit a connection without a request makes room for a new one', async t => {
  const { port, visit } = await open(t, {}, { maxConnections: 4 })
  const idle = await Promise.all([1, 2, 3, 4].map(() => openWire(t, port)))
  t.match(await visit('/byId?id=1'), /200 OK/)
  await idle[0]?.closed
  t.equal(idle.filter(wire => wire.isClosed()).length, 1, 'the oldest alone')
})

t.test('when all connections are busy, new ones get /health and a refusal that says when', async t => {
  const waiting: (() => void)[] = []
  const byId: ToyHandlers['byId'] = async ({ query }) => {
    if (query.id === 1) await new Promise<void>(resolve => waiting.push(resolve))
    return { id: query.id }
  }
  const { port, get, visit } = await open(t, { byId }, { maxConnections: 16 })
  const busy = await Promise.all(Array.from({ length: 16 }, () => openWire(t, port)))
  for (const wire of busy) wire.say(get('/byId?id=1'))
  await until('all are busy', () => waiting.length === 16)
  t.match(await visit('/byId?id=2'), /^HTTP\/1\.1 503 [\s\S]*retry-after: [1-9][0-9]?\r\n/)
  t.match(await visit('/health'), /^HTTP\/1\.1 200 /)
  const late = await openWire(t, port)
  late.say(get('/byId?id=2'))
  await late.hears(/503 /)
  for (const go of waiting) go()
  for (const wire of busy) {
    await wire.hears(/"id":1/)
    wire.hangUp()
  }
  await until('there is room', async () => /200 OK/.test(await visit('/byId?id=2')))
  late.say(get('/byId?id=3'))
  t.match(await late.hears(/"id":3/), /503 /, 'who was refused on the same connection as well')
})

t.test('too many headers are refused, as many as allowed are read', async t => {
  const { port, get } = await open(t, {})
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i}:`)
  const most = await ask(t, port, get('/byId?id=1', ...lines(98), 'Connection: close'))
  t.match(most, /^HTTP\/1\.1 200 /)
  for (const count of [99, 500, 3_000])
    t.match(await ask(t, port, get('/byId?id=1', 'Connection: close', ...lines(count))), /^HTTP\/1\.1 431 /)
})

t.test('requests that come at once are begun one after the other, and answered in order', async t => {
  const begun: number[] = []
  const waiting: (() => void)[] = []
  const byId: ToyHandlers['byId'] = async ({ query: { id } }) => {
    begun.push(id)
    await new Promise<void>(resolve => waiting.push(resolve))
    return { id }
  }
  const { port, get } = await open(t, { byId }, { guard: undefined })
  const wire = await openWire(t, port)
  const ids = Array.from({ length: 1 + limits.requestsAhead }, (_, at) => at + 1)
  wire.say(ids.map(id => get(`/byId?id=${id}`)).join(''))
  for (const id of ids) {
    await until(`${id} is begun`, () => waiting.length > 0)
    await nextTurn()
    t.same(begun, ids.slice(0, id))
    waiting.shift()?.()
    await wire.hears(new RegExp(`"id":${id}}`))
  }
  t.same(
    [...wire.heard().matchAll(/"id":([0-9]+)/g)].map(([, id]) => Number(id)),
    ids,
  )
})

t.test(
  'of requests that come at once and whose caller goes, the first is told, and no other is begun',
  async t => {
    let told = 0
    let begun = 0
    const byId: ToyHandlers['byId'] = async ({ query: { id }, signal }) => {
      begun += 1
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      told += 1
      return { id }
    }
    const { port, get } = await open(t, { byId }, { guard: undefined })
    const wire = await openWire(t, port)
    wire.say(get('/byId?id=1').repeat(3))
    await until('one is begun', () => begun > 0)
    wire.hangUp()
    await until('it is told', () => told > 0)
    await delay(50)
    t.same({ begun, told }, { begun: 1, told: 1 })
  },
)

t.test('who sends very many before the first is answered is cut, and none of the rest is begun', async t => {
  let begun = 0
  const byId: ToyHandlers['byId'] = async ({ query: { id }, signal }) => {
    begun += 1
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    return { id }
  }
  const { port, get, visit } = await open(t, { byId }, { guard: undefined })
  const wire = await openWire(t, port)
  wire.say(get('/byId?id=1').repeat(2 + limits.requestsAhead + 500))
  await wire.closed
  t.equal(wire.heard(), '')
  t.match(await visit('/health'), /200 OK/)
  t.ok(begun <= 1, `${begun} begun`)
})

t.test('a request for which there is no file descriptor costs the longest idle connection', async t => {
  const byId: ToyHandlers['byId'] = async ({ query: { id } }) => {
    if (id === 1) throw new ServiceError('unavailable', 'Too many files are open.', { cause: noDescriptor })
    if (id === 2) throw new ServiceError('unavailable', 'The disk is away.')
    return { id }
  }
  const noDescriptor = Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
  const { port, get, visit } = await open(t, { byId })
  const wires: Wire[] = []
  for (let i = 0; i < 3; i++) {
    const wire = await openWire(t, port)
    wire.say(get('/byId?id=3'))
    await wire.hears(/\{"id":3\}/)
    wires.push(wire)
  }
  const ended = () => wires.map(wire => wire.isClosed())
  t.match(await visit('/byId?id=2'), /^HTTP\/1\.1 503 /)
  t.same(ended(), [false, false, false])
  t.match(await visit('/byId?id=1'), /^HTTP\/1\.1 503 /)
  await until('one is ended', () => ended().includes(true))
  t.same(ended(), [true, false, false])
})
