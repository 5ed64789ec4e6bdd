import t from 'tap'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { openWire } from '../kit/wire.ts'
import { waitFor } from '../system/waiting.ts'
import { formWith, get, submit } from './asking.ts'
import { openFrontend } from './open.ts'

t.test('uploads beyond what may be under way are refused, and told when to come back', async t => {
  const { url, port } = await openFrontend(t, { maxBytesUnderWay: 3_000_000 })
  const wire = await openWire(t, port)
  const type = 'Content-Type: multipart/form-data; boundary=x'
  wire.say(`POST /submitTask HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: 2500000\r\n\r\n--x`)
  const refused = await waitFor('it is full', async () => {
    const answer = await submit(url, formWith(uniqueImage(1)))
    return answer.status === 200 ? undefined : answer
  })
  t.match(refused, { status: 503, headers: { 'retry-after': /^[1-9][0-9]?$/ } })
  t.match(await get(`${url}/health`), { status: 200 })
  t.match(await get(`${url}/`), { status: 200 })
  wire.hangUp()
  await waitFor('there is room', async () => (await submit(url, formWith(uniqueImage(1)))).status === 200)
})

t.test('pixels beyond what may be under way are refused, until there is room', async t => {
  const { url, port } = await openFrontend(t, { maxPixelsUnderWay: 5_000 })
  const wire = await openWire(t, port)
  const type = 'Content-Type: multipart/form-data; boundary=x'
  const head = '--x\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.png"\r\n\r\n'
  wire.say(`POST /submitTask HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: 2500000\r\n\r\n${head}`)
  wire.say(largeImage(1, 2_500_000).subarray(0, 100_000))
  const refused = await waitFor('it is full', async () => {
    const answer = await submit(url, formWith(uniqueImage(1)))
    return answer.status === 200 ? undefined : answer
  })
  t.match(refused, {
    status: 503,
    text: /Too much is being taken in/,
    headers: { 'retry-after': /^[1-9][0-9]?$/ },
  })
  wire.hangUp()
  await waitFor('there is room', async () => (await submit(url, formWith(uniqueImage(1)))).status === 200)
})

t.test('an upload that does not say how long it is counts as the largest', async t => {
  const { url, port } = await openFrontend(t, { maxBytesUnderWay: 6_000_000, maxUploadBytes: 5_500_000 })
  const wire = await openWire(t, port)
  const type = 'Content-Type: multipart/form-data; boundary=x'
  wire.say(
    `POST /submitTask HTTP/1.1\r\nHost: a\r\n${type}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n--x\r\n`,
  )
  await waitFor('it is full', async () => (await submit(url, formWith(uniqueImage(1)))).status === 503)
})

t.test(
  'a form that announces too much is too large, before any of it is read and also while it is full',
  async t => {
    const { url, port } = await openFrontend(t, { maxBytesUnderWay: 1_500_000, maxUploadBytes: 100_000 })
    const type = 'Content-Type: multipart/form-data; boundary=x'
    const announce = async (length: number) => {
      const wire = await openWire(t, port)
      wire.say(`POST /submitTask HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`)
      return wire
    }
    t.match(await (await announce(10_000_000_000)).hears(/\r\n\r\nError/), /^HTTP\/1\.1 413 /)
    const slow = await announce(100_000)
    await waitFor('it is full', async () => (await submit(url, formWith(uniqueImage(1)))).status === 503)
    t.match(await (await announce(10_000_000_000)).hears(/\r\n\r\nError/), /^HTTP\/1\.1 413 /)
    slow.hangUp()
  },
)

t.test('a form that comes too slowly is refused, in its file and before it', async t => {
  const { port } = await openFrontend(t, { patienceMs: 500 })
  const head = '--x\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.png"\r\n\r\n'
  for (const start of [
    '--x',
    head,
    head + uniqueImage(1, { width: 200, height: 200 }).toString('latin1', 0, 80_000),
  ]) {
    const wire = await openWire(t, port)
    const type = 'Content-Type: multipart/form-data; boundary=x'
    const request = `POST /submitTask HTTP/1.1\r\nHost: a\r\n${type}\r\nContent-Length: 900000\r\n\r\n`
    wire.say(Buffer.from(request + start, 'latin1'))
    const timer = setInterval(() => wire.isClosed() || wire.say('y'), 20)
    t.teardown(() => clearInterval(timer))
    t.match(await wire.hears(/\r\n\r\nError/), /^HTTP\/1\.1 408 /, start.slice(0, 5))
    await wire.closed
  }
})
