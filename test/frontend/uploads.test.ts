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

t.test('what stands behind the file of a form is judged before anything is taken in', async t => {
  const { url, stage } = await openFrontend(t)
  const small = uniqueImage(1)
  const large = largeImage(1, 200_000)
  const second = (image: Buffer) => {
    const form = formWith(image)
    form.append('uploadfile', new Blob([new Uint8Array(small)]), 'b.png')
    return form
  }
  const fields = (image: Buffer) => {
    const form = formWith(image)
    for (let i = 0; i < 11; i += 1) form.append(`f${i}`, 'x')
    return form
  }
  for (const image of [small, large])
    for (const form of [second(image), fields(image)]) t.match(await submit(url, form), { status: 413 })
  const list = { state: 'working', olderThanMs: 0, after: '', limit: 10 } as const
  t.same(await stage.storage.ask.images(list), [])
  const one = formWith(large)
  one.append('note', 'x')
  t.match(await submit(url, one), { status: 200 })
})

t.test('who is slow behind the file of a form is refused', async t => {
  const { port, stage } = await openFrontend(t, { patienceMs: 1_000 })
  const head = '--x\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.png"\r\n\r\n'
  for (const image of [uniqueImage(1), largeImage(1, 200_000)]) {
    const wire = await openWire(t, port)
    const type = 'Content-Type: multipart/form-data; boundary=x'
    const length = `Content-Length: ${head.length + image.length + 100}`
    wire.say(`POST /submitTask HTTP/1.1\r\nHost: a\r\n${type}\r\n${length}\r\n\r\n${head}`)
    wire.say(image)
    wire.say('\r\n--x\r\nContent-Disposition: form-data; name="note"\r\n\r\n')
    await wire.hears(/^HTTP\/1\.1 408 /)
  }
  const list = { state: 'working', olderThanMs: 0, after: '', limit: 10 } as const
  await waitFor('nothing is left', async () => (await stage.storage.ask.images(list)).length === 0)
})

t.test('a form that cannot be read is a client’s mistake, whatever is wrong with it', async t => {
  const { url } = await openFrontend(t)
  const headers = { 'content-type': 'multipart/form-data; boundary=x' }
  const part = 'Content-Disposition: form-data; name="meta"\r\nContent-Type: application/json'
  for (const json of ['{bad', JSON.stringify('x'.repeat(2_000))]) {
    const answer = await submit(url, `--x\r\n${part}\r\n\r\n${json}\r\n--x--\r\n`, headers)
    t.match(answer, { status: 400, text: 'Error: The form cannot be read.' })
  }
})
