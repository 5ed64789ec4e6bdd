import { pino } from 'pino'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { failed } from '../../database/contract.ts'
import { STREAMS_EACH, UPLOADS_EACH } from '../../frontend/visitors.ts'
import { uniqueImage } from '../images/noise.ts'
import { openWire } from '../kit/wire.ts'
import { waitFor } from '../system/waiting.ts'
import { type OpenOptions, openFrontend } from './open.ts'

/** Somebody who comes through a proxy on this machine that is trusted. */
const from = (address: string) => ({ 'x-forwarded-for': address })

async function open(t: Test, visitors: OpenOptions['visitors'] = {}, options: OpenOptions = {}) {
  const opened = await openFrontend(t, { visitors, trustProxy: ['127.0.0.1'], ...options })
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const { statusCode, headers: said, body } = await request(opened.url + path, { headers })
    return { status: statusCode, retryAfter: Number(said['retry-after']), text: await body.text() }
  }
  const upload = async (headers: Record<string, string> = {}) => {
    const form = new FormData()
    form.set('uploadfile', new Blob([new Uint8Array(uniqueImage(1))]), 'a.png')
    const answer = await fetch(`${opened.url}/submitTask`, { method: 'POST', body: form, headers })
    await answer.arrayBuffer()
    return { status: answer.status, retryAfter: Number(answer.headers.get('retry-after')) }
  }
  const follow = async (id: number, headers: Record<string, string> = {}) => {
    const wire = await openWire(t, opened.port)
    const lines = Object.entries({ accept: 'text/event-stream', ...headers })
    const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    wire.say(`GET /task?id=${id} HTTP/1.1\r\nHost: a\r\n${head}\r\n`)
    return wire
  }
  return { ...opened, ask, upload, follow }
}

/** Whether it is how much is left of a minute that began then, in seconds. */
const isRestOfMinute = (seconds: number, began: number) =>
  seconds <= 60 && seconds >= 60 - (performance.now() - began) / 1_000

/** Lets a minute pass for whoever asks what time it is. */
function passMinute(t: Test) {
  const { now } = Date
  t.teardown(() => Object.assign(Date, { now }))
  Date.now = () => now() + 60_000
}

t.test('one address uploads so often in a minute, and is then told when the minute is over', async t => {
  const { upload, ask } = await open(t, { uploadsPerMinute: 3 })
  const began = performance.now()
  for (let i = 0; i < 3; i += 1) t.equal((await upload(from('192.0.2.1'))).status, 200)
  const { status, retryAfter } = await upload(from('192.0.2.1'))
  t.equal(status, 429)
  t.ok(isRestOfMinute(retryAfter, began), `${retryAfter} s`)
  t.equal((await upload(from('192.0.2.2'))).status, 200, 'another address')
  t.equal((await ask('/health', from('192.0.2.1'))).status, 200)
  passMinute(t)
  t.equal((await upload(from('192.0.2.1'))).status, 200, 'a minute later')
})

t.test('neighbours in one IPv6 network are one visitor', async t => {
  const { upload } = await open(t, { uploadsPerMinute: 1 })
  t.equal((await upload(from('2001:db8:1:2::1'))).status, 200)
  t.equal((await upload(from('2001:db8:1:2:ffff::9'))).status, 429)
  t.equal((await upload(from('2001:db8:1:3::1'))).status, 200)
})

t.test('who asks for tasks that do not exist is soon told nothing any more, on any route', async t => {
  const { stage, ask } = await open(t, { missesPerMinute: 3 })
  for (const id of [1, 2]) await stage.database.ask.newTask({ id })
  await stage.database.ask.setById({}, { body: { id: 2, state: failed } })
  const guesser = from('192.0.2.1')
  for (const [path, status] of Object.entries({
    '/isReady?id=1': 200,
    '/getImage?id=1': 409,
    '/isReady?id=2': 422,
  }))
    for (let i = 0; i < 3; i += 1)
      t.equal((await ask(path, guesser)).status, status, 'what is there counts for nothing')
  const began = performance.now()
  for (const route of ['isReady', 'getImage', 'task'])
    t.equal((await ask(`/${route}?id=7`, guesser)).status, 404)
  t.equal((await ask('/isReady?id=7', guesser)).status, 429)
  const countAsked = () => stage.apps.database.served['/getById']
  const asked = countAsked()
  for (const route of ['isReady', 'getImage', 'task']) {
    const { status, retryAfter } = await ask(`/${route}?id=1`, guesser)
    t.equal(status, 429, route)
    t.ok(isRestOfMinute(retryAfter, began), `${retryAfter} s`)
  }
  t.equal((await ask('/task?id=1', { ...guesser, accept: 'text/event-stream' })).status, 429)
  t.equal(countAsked(), asked, 'nothing is asked for them')
  t.equal((await ask('/isReady?id=1', from('192.0.2.2'))).status, 200, 'another address')
  t.equal((await ask('/', guesser)).status, 200, 'the page with the form')
})

t.test('this machine itself has no such limits; a proxy here that nobody named is one visitor', async t => {
  const { stage, app, upload, ask, follow } = await open(t, { uploadsPerMinute: 1, missesPerMinute: 1 })
  for (let i = 0; i < 3; i += 1) t.equal((await upload()).status, 200)
  for (let i = 0; i < 5; i += 1) t.equal((await ask('/isReady?id=7')).status, 404)
  await stage.database.ask.newTask({ id: 1 })
  for (let i = 0; i <= STREAMS_EACH; i += 1) t.match(await (await follow(1)).hears(/\r\n\r\n/), / 200 /)

  // No test has another machine at hand: this says where it comes from.
  const askFrom = async (remoteAddress: string) =>
    (await app.inject({ url: '/isReady?id=7', remoteAddress })).statusCode
  const elsewhere = []
  for (let i = 0; i < 3; i += 1) elsewhere.push(await askFrom('192.0.2.7'))
  t.same(elsewhere, [404, 429, 429], 'another machine, without a proxy')
  for (let i = 0; i < 3; i += 1) t.equal(await askFrom('::1'), 404)

  const { url } = await openFrontend(t, {
    visitors: { missesPerMinute: 1 },
  })
  const statuses = []
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    statuses.push((await request(`${url}/isReady?id=7`, { headers: from(address) })).statusCode)
  t.same(statuses, [404, 429, 429])
})

t.test('a proxy that is trusted says who a visitor is, he himself does not', async t => {
  const { ask } = await open(t, { missesPerMinute: 1 })
  const statuses = []
  for (const told of ['192.0.2.1', '127.0.0.1, 192.0.2.1', '192.0.2.9, 192.0.2.1', '127.0.0.1'])
    statuses.push((await ask('/isReady?id=7', from(told))).status)
  t.same(statuses, [404, 429, 429, 404])
  t.equal(
    (await ask('/isReady?id=7', from('127.0.0.1'))).status,
    429,
    'who comes through a proxy is not of this machine',
  )
})

t.test('a proxy here that nobody named is warned of, once', async t => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: line => void lines.push(line) })
  const trusting = await open(t, {}, { log })
  await trusting.upload(from('192.0.2.1'))
  t.same(lines, [])
  const { upload } = await open(t, {}, { log, trustProxy: [] })
  await upload()
  t.same(lines, [])
  for (let i = 0; i < 3; i += 1) await upload(from('192.0.2.1'))
  t.match(lines, [/TRUST_PROXY/])
  t.equal(lines.length, 1)
})

t.test('however many addresses come, some thousands are remembered', async t => {
  const { app } = await open(t, { uploadsPerMinute: 1 })
  // What is no form is counted before it is refused, and asks nobody.
  const uploadFrom = async (remoteAddress: string) =>
    (await app.inject({ method: 'POST', url: '/submitTask', remoteAddress })).statusCode
  const first = '198.51.100.1'
  t.equal(await uploadFrom(first), 400)
  for (let i = 0; i < 1_000; i += 1) await uploadFrom(`10.0.${i >> 8}.${i & 255}`)
  t.equal(await uploadFrom(first), 429, 'it is not among a thousand that one is forgotten')
  for (let i = 0; i < 6_000; i += 1) await uploadFrom(`10.1.${i >> 8}.${i & 255}`)
  t.equal(await uploadFrom(first), 400)
})

t.test(
  'one visitor holds so many streams of events and no more, and gets the place of one that ended',
  async t => {
    const { stage, follow } = await open(t)
    await stage.database.ask.newTask({ id: 1 })
    const warnings: Error[] = []
    const keep = (warning: Error) => void warnings.push(warning)
    process.on('warning', keep)
    t.teardown(() => process.off('warning', keep))
    const visitor = from('2001:db8:1:2::1')
    const neighbour = from('2001:db8:1:2:ffff::9')
    const wires = await Promise.all(Array.from({ length: STREAMS_EACH }, () => follow(1, visitor)))
    for (const wire of wires) await wire.hears(/"state":"waiting"/)
    for (const headers of [visitor, neighbour]) {
      const late = await follow(1, headers)
      t.match(await late.hears(/\r\n\r\nError/), /^HTTP\/1\.1 429 [\s\S]*retry-after: [1-9]/)
    }
    t.match(await (await follow(1, from('192.0.2.2'))).hears(/"state"/), /200 OK/)
    wires[0]?.hangUp()
    for (;;) {
      const next = await follow(1, visitor)
      if (/ 200 /.test(await next.hears(/\r\n\r\n[\s\S]/))) break
    }
    t.same(warnings, [])
  },
)

t.test('nothing is remembered of a visitor who follows nothing any more', async t => {
  const { stage, app, ask, follow } = await open(t)
  await stage.database.ask.newTask({ id: 1 })
  let held = 0
  app.server.on('request', (_request, response) => {
    held += 1
    response.setMaxListeners(20).on('close', () => {
      held -= 1
    })
  })
  const visitor = from('192.0.2.1')
  const events = { ...visitor, accept: 'text/event-stream' }
  const fill = async () => {
    const wires = await Promise.all(Array.from({ length: STREAMS_EACH }, () => follow(1, visitor)))
    for (const wire of wires) await wire.hears(/\r\n\r\n/)
    return wires
  }
  const wires = await fill()
  // Each of those who are refused is told a later time.
  const refuse = async () => (await ask('/task?id=1', events)).retryAfter
  for (let i = 0; i < 30; i += 1) await refuse()
  const told = await refuse()
  t.ok(told > 10, `${told} s`)
  for (const wire of wires) wire.hangUp()
  await waitFor('all have left', () => held === 0)
  await fill()
  t.ok((await refuse()) <= 2)
})

t.test('all visitors together hold so many streams, and nothing stays of those that ended', async t => {
  const { stage, ask, follow } = await open(t, { maxStreams: 2 })
  await stage.database.ask.newTask({ id: 1 })
  const events = { accept: 'text/event-stream' }
  for (let i = 0; i < 5; i += 1) t.equal((await ask('/task?id=7', events)).status, 404)
  const wires = [await follow(1), await follow(1)]
  for (const wire of wires) await wire.hears(/"state":"waiting"/)
  const { status, retryAfter } = await ask('/task?id=1', events)
  t.equal(status, 503)
  t.ok(retryAfter >= 1 && retryAfter <= 60)
  const visitor = from('192.0.2.1')
  for (let i = 0; i <= STREAMS_EACH; i += 1)
    t.equal((await ask('/task?id=1', { ...events, ...visitor })).status, 503, 'it is not he who has too many')
  t.equal((await ask('/task?id=1')).status, 200, 'the page itself comes')
  for (const wire of wires) wire.hangUp()
  for (;;) if (/ 200 /.test(await (await follow(1)).hears(/\r\n\r\n[\s\S]/))) break
})

t.test(
  'one address has so many uploads under way at once, others are let in, and the end of one makes room',
  async t => {
    const { port, upload } = await open(t)
    const visitor = from('192.0.2.1')
    const begin = async () => {
      const wire = await openWire(t, port)
      const head =
        'POST /submitTask HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nContent-Length: 9000\r\n'
      wire.say(`${head}Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n`)
      return wire
    }
    const wires = await Promise.all(Array.from({ length: UPLOADS_EACH }, begin))
    const refused = await waitFor('all are under way', async () => {
      const answer = await upload(visitor)
      return answer.status === 429 && answer
    })
    t.ok(refused.retryAfter >= 1 && refused.retryAfter <= 60, `${refused.retryAfter} s`)
    t.equal((await upload(from('192.0.2.2'))).status, 200, 'another address')
    t.equal((await upload()).status, 200, 'who is on this machine itself')
    wires[0]?.hangUp()
    await waitFor('there is room', async () => (await upload(visitor)).status === 200)
  },
)
