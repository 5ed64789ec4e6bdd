import t from 'tap'
import { type ErrorCode, ServiceError, statusOfCode } from '../../kit/errors.ts'
import { buildToy, listen, portOf } from './toy.ts'
import { ask, openWire } from './wire.ts'

const codes = Object.keys(statusOfCode) as ErrorCode[]

t.test('every code is sent as its status and one line of text', async t => {
  for (const code of codes) {
    const byId = async () => Promise.reject(new ServiceError(code, 'a reason\nof\ttwo lines'))
    const answer = await buildToy(t, { byId }).inject('/byId?id=1')
    t.equal(answer.statusCode, statusOfCode[code], code)
    t.equal(answer.body, 'Error: a reason of two lines\n')
    t.match(answer.headers['content-type'], /^text\/plain/)
    t.equal(answer.headers['x-content-type-options'], 'nosniff')
    const isLater = answer.statusCode === 429 || answer.statusCode === 503
    t.equal(answer.headers['retry-after'] !== undefined, isLater, code)
  }
})

t.test('a refusal with an estimate of when to come back says it', async t => {
  for (const code of ['overloaded', 'unavailable'] as const) {
    const refusal = new ServiceError(code, 'later', { retryAfterSeconds: 17 })
    const answer = await buildToy(t, { byId: async () => Promise.reject(refusal) }).inject('/byId?id=1')
    t.equal(answer.headers['retry-after'], '17', code)
  }
})

t.test('JSON is for a caller whose Accept names it, and for nobody else', async t => {
  const app = buildToy(t, { byId: async () => Promise.reject(new ServiceError('conflict', 'not now')) })
  for (const accept of ['application/json', 'text/html, application/json;q=0.5', 'application/json, */*']) {
    const answer = await app.inject({ url: '/byId?id=1', headers: { accept } })
    t.same(answer.json(), { error: { code: 'conflict', message: 'not now' } }, accept)
    t.match(answer.headers['content-type'], /^application\/json/)
  }
  for (const accept of ['*/*', 'text/html', '', 'application/*'])
    t.equal((await app.inject({ url: '/byId?id=1', headers: { accept } })).body, 'Error: not now\n', accept)
})

t.test('a bug says nothing of itself', async t => {
  const app = buildToy(t, { byId: async () => Promise.reject(new Error('/srv/secret at line 7')) })
  for (const accept of ['application/json', '*/*']) {
    const answer = await app.inject({ url: '/byId?id=1', headers: { accept } })
    t.equal(answer.statusCode, 500)
    t.match(answer.body, /Internal error\./)
    t.notMatch(answer.body, /secret|line|\bat\b/)
  }
})

t.test('work that was given up since the service ends is no bug', async t => {
  const app = buildToy(t, {
    byId: ({ signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason))
        app.stopping.abort()
      }),
  })
  t.equal((await app.inject('/byId?id=1')).statusCode, 503)
})

t.test('another method gets 405 with Allow, an unknown path 404', async t => {
  const app = buildToy(t)
  const port = Number((await listen(app)).split(':')[1])
  const others: [string, string, string][] = [
    ['/byId', 'GET, HEAD', 'POST PUT DELETE PATCH OPTIONS TRACE PROPFIND MKCOL LOCK REPORT PURGE M-SEARCH'],
    ['/count', 'POST', 'GET HEAD PUT DELETE PATCH OPTIONS TRACE PROPFIND'],
  ]
  for (const [path, allowed, methods] of others) {
    for (const method of methods.split(' ')) {
      const answer = await ask(t, port, `${method} ${path}?id=1 HTTP/1.1\r\n${end(port)}`)
      t.match(answer, /^HTTP\/1\.1 405 /, `${method} ${path}`)
      t.equal(
        /^allow: (.*)\r$/m.exec(answer)?.[1]?.split(', ').sort().join(', '),
        allowed,
        `${method} ${path}`,
      )
      if (method !== 'HEAD') t.match(answer, /\r\n\r\nError: Only /)
    }
  }
  for (const line of ['GET /', 'POST /nothing', 'GET /byId/', 'GET /BYID?id=1', 'OPTIONS *', 'PROPFIND /x'])
    t.match(await ask(t, port, `${line} HTTP/1.1\r\n${end(port)}`), /^HTTP\/1\.1 404 [\s\S]*\nError: /, line)
})

t.test('HEAD answers what GET does, without the body', async t => {
  const app = buildToy(t, {
    rows: async () =>
      (async function* () {
        yield 'one\n'
      })(),
  })
  const get = await app.inject('/byId?id=1')
  const head = await app.inject({ method: 'HEAD', url: '/byId?id=1' })
  t.equal(head.statusCode, 200)
  t.equal(head.body, '')
  t.equal(head.headers['content-length'], get.headers['content-length'])
  t.equal((await app.inject({ method: 'HEAD', url: '/byId?id=x' })).statusCode, 400)
  t.equal((await app.inject({ method: 'HEAD', url: '/rows' })).statusCode, 200)
  t.equal((await app.inject({ method: 'HEAD', url: '/picture' })).statusCode, 200)
})

t.test('what is not HTTP, or too much of it, is refused in a line of text', async t => {
  const port = portOf(await listening(t))
  const cases: [string, RegExp][] = [
    [`NONSENSE /byId?id=1 HTTP/1.1\r\n${end(port)}`, /^HTTP\/1\.1 400 /],
    ['\u0001\u0002\r\n\r\n', /^HTTP\/1\.1 400 /],
    [`GET /byId?id=1 HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n${end(port)}`, /^HTTP\/1\.1 431 /],
    [`GET /byId?id=${'1'.repeat(20_000)} HTTP/1.1\r\n${end(port)}`, /^HTTP\/1\.1 431 /],
    [`GET /%zz HTTP/1.1\r\n${end(port)}`, /^HTTP\/1\.1 400 /],
    [`POST /count HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n${end(port)}`, /^HTTP\/1\.1 400 /],
    [`POST /count HTTP/1.1\r\nContent-Length: -1\r\n${end(port)}`, /^HTTP\/1\.1 400 /],
  ]
  for (const [request, status] of cases) {
    const answer = await ask(t, port, request)
    t.match(answer, status, request.slice(0, 40))
    t.match(answer, /content-type: text\/plain[\s\S]*\r\n\r\nError: [^\n]+\n$/i, request.slice(0, 40))
    t.match(answer, /\r\nx-content-type-options: nosniff\r\n/i, request.slice(0, 40))
  }
})

t.test('a body that turns to nonsense while it is read ends its connection, not the service', async t => {
  const port = portOf(await listening(t))
  const wire = await openWire(t, port)
  wire.say(
    `POST /count HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n`,
  )
  await wire.closed
  t.notMatch(wire.heard(), / 5\d\d |200/)
  t.match(await ask(t, port, `GET /byId?id=1 HTTP/1.1\r\n${end(port)}`), /200 OK/)
})

t.test('what is refused while the service ends is told why, and its rest is read for a while', async t => {
  const app = buildToy(t, { picture: async () => Promise.reject(new ServiceError('not-found', 'none')) })
  await listen(app)
  const port = portOf(app)
  app.isLeaving = true
  const wire = await openWire(t, port)
  wire.say(`POST /count HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 900000000\r\n\r\n`)
  await wire.hears(/^HTTP\/1\.1 413 /)
  t.notMatch(wire.heard(), /connection: close/i)
  for (let sent = 0; sent < 20; sent += 1) {
    wire.say(Buffer.alloc(64 * 1024))
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.notOk(wire.isClosed())
  await wire.closed
  t.match(
    await ask(t, port, `GET /byId?id=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`),
    /connection: close/i,
  )
})

t.test('the body behind a path that is none is read for as long as any refused one', async t => {
  const port = portOf(await listening(t))
  const wire = await openWire(t, port)
  wire.say(`POST /%zz HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 900000000\r\n\r\n`)
  await wire.hears(/^HTTP\/1\.1 400 /)
  const began = performance.now()
  while (!wire.isClosed() && performance.now() - began < 20_000) {
    wire.say('x')
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  t.ok(wire.isClosed())
})

const end = (port: number) => `Host: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`

async function listening(t: Parameters<typeof buildToy>[0]) {
  const app = buildToy(t)
  await listen(app)
  return app
}
