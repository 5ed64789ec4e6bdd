import t, { type Test } from 'tap'
import { collect } from '../../kit/body.ts'
import { buildToy, listen, portOf, sizeOf } from './toy.ts'
import { ask, openWire, until } from './wire.ts'

const MAX = 1_000_000

async function open(t: Test, handlers: Parameters<typeof buildToy>[1] = {}) {
  const app = buildToy(t, handlers, { maxBodyBytes: MAX })
  await listen(app)
  const port = portOf(app)
  const head = (path: string, ...lines: string[]) =>
    [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, ...lines, '', ''].join('\r\n')
  return { app, port, head }
}

const chunked = (...pieces: string[]) =>
  [...pieces, ''].map(piece => `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`).join('')

t.test('no Content-Type keeps a body from being read', async t => {
  const { port, head } = await open(t)
  const types = [
    undefined,
    '',
    ' ',
    'image',
    'test/plain',
    'image/png',
    'application/json',
    'a/b; c',
    '/',
    ';',
  ]
  const forms = [
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'text/plain; charset=nonsense',
    'ä/\tö',
  ]
  for (const type of [...types, ...forms]) {
    const lines = type === undefined ? [] : [`Content-Type: ${type}`]
    const close = 'Connection: close'
    const fixed = await ask(t, port, `${head('/count', ...lines, 'Content-Length: 3', close)}abc`)
    t.match(fixed, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n3$/, `${type}, of known length`)
    const coding = 'Transfer-Encoding: chunked'
    const pieces = await ask(t, port, head('/count', ...lines, coding, close) + chunked('abc', 'de'))
    t.match(pieces, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\n5$/, `${type}, in chunks`)
    const json = await ask(t, port, `${head('/set', ...lines, 'Content-Length: 8', close)}{"id":7}`)
    t.match(json, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nsuccess$/, `${type}, JSON`)
  }
  const twice = head('/count', 'Content-Type: image', 'Content-Type: text/plain', 'Content-Length: 1')
  const wire = await openWire(t, port)
  wire.say(`${twice}x`)
  t.match(await wire.hears(/\r\n\r\n./), /200 OK/)
})

t.test('a body that is not there is an empty one', async t => {
  const { port, head } = await open(t)
  for (const line of ['Content-Length: 0', 'X-Nothing: 1'])
    t.match(await ask(t, port, head('/count', line, 'Connection: close')), /\r\n\r\n0$/, line)
})

t.test('a body that is not the JSON of the contract is 400, and says which field', async t => {
  const app = buildToy(t)
  const cases: [string, RegExp][] = [
    ['', /not JSON/],
    ['{', /not JSON/],
    ['{"id":7}}', /not JSON/],
    ['null', /body|field/],
    ['7', /field/],
    ['[]', /field/],
    ['{}', /field id is missing/],
    ['{"id":"7"}', /field id /],
    ['{"id":7.5}', /field id /],
    ['{"id":[7]}', /field id /],
  ]
  for (const [payload, said] of cases) {
    const answer = await app.inject({ method: 'POST', url: '/set', payload })
    t.equal(answer.statusCode, 400, payload)
    t.match(answer.body, said, payload)
  }
  const large = await app.inject({ method: 'POST', url: '/set', payload: `"${'x'.repeat(70_000)}"` })
  t.equal(large.statusCode, 413)
})

t.test('a body of the limit passes, known or in chunks; one byte more is too large', async t => {
  const { port, head } = await open(t)
  const hear = async (request: string) => {
    const wire = await openWire(t, port)
    wire.say(request)
    return wire.hears(/\r\n\r\n(1000000|Error: .*\n)$/)
  }
  const known = (bytes: number) => hear(head('/count', `Content-Length: ${bytes}`) + 'x'.repeat(bytes))
  const pieces = (bytes: number) =>
    hear(head('/count', 'Transfer-Encoding: chunked') + chunked('x'.repeat(bytes - 10), 'x'.repeat(10)))
  for (const way of [known, pieces]) {
    t.match(await way(MAX), /200 [\s\S]*\r\n\r\n1000000$/)
    t.match(
      await way(MAX + 1),
      /^HTTP\/1\.1 413 [\s\S]*\r\n\r\nError: The body is larger than 1000000 bytes\.\n$/,
    )
  }
})

for (const [how, lines, opening] of [
  ['announced', ['Content-Length: 10000000'], ''],
  ['by one who hangs up after it', ['Content-Length: 10000000', 'Connection: close'], ''],
  ['in chunks', ['Transfer-Encoding: chunked'], `989680\r\n`],
] as const) {
  t.test(
    `an upload refused half way (${how}) is read on for up to 2 s, so that its sender hears why`,
    async t => {
      const { port, head } = await open(t)
      const wire = await openWire(t, port)
      const began = performance.now()
      wire.say(head('/count', ...lines) + opening)
      wire.say(Buffer.alloc(2_000_000))
      t.match(await wire.hears(/larger than/), /^HTTP\/1\.1 413 /)
      t.ok(performance.now() - began < 1_500, 'it is said at once')
      t.notMatch(wire.heard(), /connection: close/i)
      while (!wire.isClosed() && performance.now() - began < 1_500) {
        wire.say(Buffer.alloc(10_000))
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      t.notOk(wire.isClosed(), 'nothing is reset in the meantime')
      await wire.closed
      const tookMs = performance.now() - began
      t.ok(tookMs > 1_500 && tookMs < 4_000, `it ends after ${tookMs} ms`)
    },
  )
}

t.test('a refused upload that ends in time leaves its connection fit for the next request', async t => {
  const { port, head } = await open(t)
  const wire = await openWire(t, port)
  wire.say(head('/count', 'Content-Length: 3000000'))
  wire.say(Buffer.alloc(1_000_000))
  await wire.hears(/larger than/)
  wire.say(Buffer.alloc(2_000_000))
  wire.say(`${head('/count', 'Content-Length: 3')}abc`)
  t.match(await wire.hears(/200 OK/), /413 /)
})

t.test('a handler that refuses without reading has the rest dropped', async t => {
  const refuse = async () => Promise.reject(new Error('a bug'))
  const { port, head } = await open(t, { count: refuse })
  const wire = await openWire(t, port)
  wire.say(head('/count', 'Content-Length: 900000'))
  await wire.hears(/500 /)
  wire.say(Buffer.alloc(900_000))
  wire.say(head('/count', 'Content-Length: 0'))
  await wire.hears(/500 [\s\S]*500 /)
})

t.test('a sender that breaks off fails the handler, and the service goes on', async t => {
  const failures: unknown[] = []
  const { port, head } = await open(t, {
    count: async ({ body }) => String(await sizeOf(body).catch(error => failures.push(error))),
  })
  for (const line of ['Content-Length: 900000', 'Transfer-Encoding: chunked']) {
    const wire = await openWire(t, port)
    wire.say(`${head('/count', line)}3\r\nabc\r\n`)
    await new Promise(resolve => setTimeout(resolve, 20))
    wire.hangUp()
  }
  await until('both have failed', () => failures.length === 2)
  t.match(failures, [{ code: 'bad-request' }, { code: 'bad-request' }])
  t.match(await ask(t, port, head('/note', 'Content-Length: 0', 'Connection: close')), /200 OK/)
})

t.test('a call’s signal aborts when its caller hangs up, however many wait', async t => {
  let waiting = 0
  let aborted = 0
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))
  const { port } = await open(t, {
    byId: ({ signal }) =>
      new Promise((_resolve, reject) => {
        waiting += 1
        signal.addEventListener('abort', () => {
          aborted += 1
          reject(signal.reason)
        })
      }),
  })
  const wires = await Promise.all(Array.from({ length: 30 }, () => openWire(t, port)))
  for (const wire of wires) wire.say(`GET /byId?id=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await until('all wait', () => waiting === 30)
  for (const wire of wires) wire.hangUp()
  await until('all are aborted', () => aborted === 30)
  t.same(warnings, [])
})

t.test('a small body of known length is given whole, a large one as a stream', async t => {
  const kinds: [boolean, number | undefined][] = []
  const { port, head } = await open(t, {
    count: async ({ body }) => {
      kinds.push([Buffer.isBuffer(body.data), body.length])
      return String(Buffer.isBuffer(body.data) ? body.data.length : (await collect(body.data, MAX)).length)
    },
  })
  for (const size of [65_536, 65_537])
    await ask(t, port, head('/count', `Content-Length: ${size}`, 'Connection: close') + 'x'.repeat(size))
  await ask(t, port, head('/count', 'Transfer-Encoding: chunked', 'Connection: close') + chunked('abc'))
  t.same(kinds, [
    [true, 65_536],
    [false, 65_537],
    [false, undefined],
  ])
})
