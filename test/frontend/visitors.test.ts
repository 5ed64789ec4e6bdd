import t, { type Test } from 'tap'
import { request } from 'undici'
import { STREAMS_EACH } from '../../frontend/visitors.ts'
import { uniqueImage } from '../images/noise.ts'
import { openWire } from '../kit/wire.ts'
import { type OpenOptions, openFrontend } from './open.ts'

/** Somebody who comes through a proxy on this machine that is trusted. */
const from = (address: string) => ({ 'x-forwarded-for': address })

async function open(t: Test, visitors: OpenOptions['visitors'] = {}) {
  const opened = await openFrontend(t, { visitors, trustProxy: ['127.0.0.1'] })
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

t.test('one address uploads so often in a minute, and is then told when the minute is over', async t => {
  const { upload, ask } = await open(t, { uploadsPerMinute: 3 })
  for (let i = 0; i < 3; i += 1) t.equal((await upload(from('192.0.2.1'))).status, 200)
  const { status, retryAfter } = await upload(from('192.0.2.1'))
  t.equal(status, 429)
  t.ok(retryAfter > 30 && retryAfter <= 60, `${retryAfter} s`)
  t.equal((await upload(from('192.0.2.2'))).status, 200, 'another address')
  t.equal((await ask('/health', from('192.0.2.1'))).status, 200)
})

t.test('neighbours in one IPv6 network are one visitor', async t => {
  const { upload } = await open(t, { uploadsPerMinute: 1 })
  t.equal((await upload(from('2001:db8:1:2::1'))).status, 200)
  t.equal((await upload(from('2001:db8:1:2:ffff::9'))).status, 429)
  t.equal((await upload(from('2001:db8:1:3::1'))).status, 200)
})

t.test('who asks for tasks that do not exist is soon told nothing any more, on any route', async t => {
  const { stage, ask } = await open(t, { missesPerMinute: 3 })
  await stage.database.ask.newTask({ id: 1 })
  const guesser = from('192.0.2.1')
  t.equal((await ask('/isReady?id=1', guesser)).status, 200, 'what is there counts for nothing')
  for (const route of ['isReady', 'getImage', 'task'])
    t.equal((await ask(`/${route}?id=7`, guesser)).status, 404)
  t.equal((await ask('/isReady?id=7', guesser)).status, 429)
  const asked = Object.values(stage.apps.master.served).length
  for (const route of ['isReady', 'getImage', 'task']) {
    const { status, retryAfter } = await ask(`/${route}?id=1`, guesser)
    t.equal(status, 429, route)
    t.ok(retryAfter > 30 && retryAfter <= 60, `${retryAfter} s`)
  }
  t.equal((await ask('/task?id=1', { ...guesser, accept: 'text/event-stream' })).status, 429)
  t.equal(Object.values(stage.apps.master.served).length, asked)
  t.equal((await ask('/isReady?id=1', from('192.0.2.2'))).status, 200, 'another address')
  t.equal((await ask('/', guesser)).status, 200, 'the page with the form')
})

t.test('this machine itself has no such limits; a proxy here that nobody named is one visitor', async t => {
  const { upload, ask } = await open(t, { uploadsPerMinute: 1, missesPerMinute: 1 })
  for (let i = 0; i < 3; i += 1) t.equal((await upload()).status, 200)
  for (let i = 0; i < 5; i += 1) t.equal((await ask('/isReady?id=7')).status, 404)

  const { url } = await openFrontend(t, {
    visitors: { missesPerMinute: 1 },
  })
  const statuses = []
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    statuses.push((await request(`${url}/isReady?id=7`, { headers: from(address) })).statusCode)
  t.same(statuses, [404, 429, 429])
})

t.test(
  'one visitor holds so many streams of events and no more, and gets the place of one that ended',
  async t => {
    const { stage, follow } = await open(t)
    await stage.database.ask.newTask({ id: 1 })
    const visitor = from('192.0.2.1')
    const wires = await Promise.all(Array.from({ length: STREAMS_EACH }, () => follow(1, visitor)))
    for (const wire of wires) await wire.hears(/"state":"waiting"/)
    const late = await follow(1, visitor)
    t.match(await late.hears(/\r\n\r\nError/), /^HTTP\/1\.1 429 [\s\S]*retry-after: [0-9]/)
    t.match(await (await follow(1, from('192.0.2.2'))).hears(/"state"/), /200 OK/)
    wires[0]?.hangUp()
    for (;;) {
      const next = await follow(1, visitor)
      if (/ 200 /.test(await next.hears(/\r\n\r\n[\s\S]/))) break
    }
  },
)

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
  t.equal((await ask('/task?id=1')).status, 200, 'the page itself comes')
  for (const wire of wires) wire.hangUp()
  for (;;) if (/ 200 /.test(await (await follow(1)).hears(/\r\n\r\n[\s\S]/))) break
})
