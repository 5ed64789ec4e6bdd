import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { connect as connectSecurely } from 'node:tls'
import type { Test } from 'tap'
import { openCredentials } from '../../kit/credentials.ts'
import type { ServerOptions } from '../../kit/server.ts'
import { createAuthorities, test } from './authority.ts'
import { buildToy, listen, portOf, type ToyHandlers } from './toy.ts'
import { ask, openWire, until } from './wire.ts'

/** For who is slow: whoever has agreed, and says nothing for half of it, is let go, however busy the machine was. */
const impatient = { patienceMs: 500 }
/** More than the system's own buffers hold between the two. */
const MANY_BYTES = 24_000_000

/** A toy for visitors that speaks TLS, and how to speak with it. */
async function open(t: Test, handlers: Partial<ToyHandlers> = {}, options: Partial<ServerOptions> = {}) {
  const [own] = createAuthorities(t)
  const { cert, key } = own.issue('server')
  const serverCredentials = openCredentials({ prefix: 'PUBLIC_TLS', cert, key, minVersion: 'TLSv1.2' })
  const app = buildToy(t, handlers, { serverCredentials, guard: undefined, ...options })
  await listen(app)
  const port = portOf(app)
  const how = { ca: readFileSync(own.ca) }
  const get = (path: string, ...lines: string[]) =>
    [`GET ${path} HTTP/1.1`, 'Host: a', ...lines, '', ''].join('\r\n')
  const visit = (path: string, ...lines: string[]) =>
    ask(t, port, get(path, 'Connection: close', ...lines), how)
  return { app, port, how, get, visit, reach: () => openWire(t, port, how) }
}

test('over TLS too large a head is refused, and one with too many headers', async t => {
  const { visit } = await open(t)
  const lines = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: 1`)
  t.match(await visit('/byId?id=1', ...lines(98)), /^HTTP\/1\.1 200 /)
  t.match(await visit('/byId?id=1', ...lines(99)), /^HTTP\/1\.1 431 /)
  t.match(await visit('/byId?id=1', `X: ${'x'.repeat(17_000)}`), /^HTTP\/1\.1 431 /)
})

test('over TLS slow headers and slow bodies are refused in their time', async t => {
  const { reach } = await open(t, {}, impatient)
  const starts = {
    nothing: '',
    headers: 'GET /byId?id=1 HTTP/1.1\r\nX: ',
    body: 'POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n',
  }
  for (const [name, start] of Object.entries(starts)) {
    const wire = await reach()
    const timer = setInterval(() => start !== '' && !wire.isClosed() && wire.say('x'), 20)
    t.teardown(() => clearInterval(timer))
    if (start !== '') wire.say(start)
    t.match(await wire.hears(/\r\n\r\nError: /), /^HTTP\/1\.1 408 /, name)
    await wire.closed
  }
})

test('over TLS a reader who takes nothing is cut, one who is slow and steady gets all', async t => {
  const picture = async () => ({ data: Buffer.alloc(MANY_BYTES) })
  const { app, port, how, get } = await open(t, { picture }, impatient)
  let cut = 0
  app.server.on('secureConnection', socket => socket.on('close', () => (cut += 1)))
  const idler = connectSecurely({ ...how, port, host: '127.0.0.1' })
  t.teardown(() => idler.destroy())
  idler.on('error', () => {}).write(get('/picture'))
  await until('it is cut', () => cut === 1)
  t.ok(idler.bytesRead < MANY_BYTES, `${idler.bytesRead} bytes`)

  const reader = connectSecurely({ ...how, port, host: '127.0.0.1' })
  t.teardown(() => reader.destroy())
  reader.write(get('/picture', 'Connection: close'))
  const began = performance.now()
  let taken = 0
  for await (const piece of reader) {
    taken += piece.length
    await delay(3)
  }
  t.ok(taken > MANY_BYTES, `${taken} bytes`)
  const tookMs = performance.now() - began
  t.ok(tookMs > 2 * impatient.patienceMs, `in ${tookMs} ms`)
})

test('over TLS connections without a request make room, agreed on or not', async t => {
  const { port, visit, reach } = await open(t, {}, { maxConnections: 4 })
  // More than may ever be connected: none of them says a word of TLS.
  const mute = await Promise.all(Array.from({ length: 5 }, () => openWire(t, port)))
  t.match(await visit('/byId?id=1'), /200 OK/)
  t.ok(mute.some(wire => wire.isClosed()))
  const idle = [await reach(), await reach(), await reach(), await reach()]
  t.match(await visit('/byId?id=1'), /200 OK/)
  await idle[0]?.closed
  t.equal(idle.filter(wire => wire.isClosed()).length, 1, 'the oldest alone')
})

test('over TLS, when all connections are busy, new ones get /health and a refusal that says when', async t => {
  const waiting: (() => void)[] = []
  const byId: ToyHandlers['byId'] = async ({ query }) => {
    if (query.id === 1) await new Promise<void>(resolve => waiting.push(resolve))
    return { id: query.id }
  }
  const { get, visit, reach } = await open(t, { byId }, { maxConnections: 16 })
  const busy = await Promise.all(Array.from({ length: 16 }, reach))
  for (const wire of busy) wire.say(get('/byId?id=1'))
  await until('all are busy', () => waiting.length === 16)
  t.match(await visit('/byId?id=2'), /^HTTP\/1\.1 503 [\s\S]*retry-after: [1-9][0-9]?\r\n/)
  t.match(await visit('/health'), /^HTTP\/1\.1 200 /)
  for (const go of waiting) go()
  for (const wire of busy) {
    await wire.hears(/"id":1/)
    wire.hangUp()
  }
  await until('there is room', async () => /200 OK/.test(await visit('/byId?id=2')))
})
