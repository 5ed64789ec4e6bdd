import { once } from 'node:events'
import { readdir, readlink, truncate, utimes } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { request } from 'undici'
import type { FileStorageOptions } from '../../storage/engines/files.ts'
import { buildStorage } from '../../storage/service.ts'
import { bytesOf, LARGE_BYTES, openFiles } from './images.ts'

const identity = { service: 'storage', instance: 'storage-1', version: '0' }
const maxBytes = { working: 4_000_000, finished: 8_000_000 }

async function open(t: Test, options: Partial<FileStorageOptions> = {}) {
  const { engine, path } = await openFiles(t, options)
  const app = buildStorage({ identity, guard: { secrets: [] }, engine, maxBytes })
  t.teardown(() => app.close())
  return { app, path }
}

async function listen(t: Test) {
  const { app, path } = await open(t)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  return { origin, path, port: (app.server.address() as AddressInfo).port }
}

const put = (query: string, payload: Buffer | string = 'x') => ({
  method: 'POST' as const,
  url: `/sendImage?${query}`,
  payload,
})
const upload = 'id=72&state=working'

t.test('an image sent is answered with success and comes back as image/png with its length', async t => {
  const { app } = await open(t)
  for (const length of [1, 70_000, LARGE_BYTES]) {
    const bytes = bytesOf(length)
    const sent = await app.inject(put(upload, bytes))
    t.match(sent, { statusCode: 200, body: 'success' })
    const got = await app.inject(`/getImage?${upload}`)
    t.match(got, { statusCode: 200 })
    t.match(got.headers, {
      'content-type': 'image/png',
      'content-length': String(length),
      'x-content-type-options': 'nosniff',
    })
    t.ok(got.rawPayload.equals(bytes))
    const head = await app.inject({ method: 'HEAD', url: `/getImage?${upload}` })
    t.match(head, { statusCode: 200, body: '' })
    t.equal(head.headers['content-length'], String(length))
  }
})

t.test('what the parameters do not allow is 400 and stores nothing', async t => {
  const { app, path } = await open(t)
  const wrong = [
    '',
    'id=72',
    'state=working',
    'id=72&state=ready',
    'id=-1&state=working',
    'id=1.5&state=working',
    'id=01&state=working',
    'id=../x&state=working',
    'id=%2e%2e%2f&state=working',
    'id=9007199254740992&state=working',
    'id=1&id=2&state=working',
    `${upload}&create=2`,
    `${upload}&attempt=1`,
    'id=72&state=finished&attempt=0',
    'id=72&state=finished&attempt=x',
    'id=72&state=finished&attempt=1&create=1',
  ]
  for (const query of wrong) t.match(await app.inject(put(query)), { statusCode: 400 }, query)
  t.match(await app.inject(put(upload, '')), { statusCode: 400, body: /empty/ })
  for (const query of wrong.filter(query => !query.includes('create'))) {
    t.match(await app.inject(`/getImage?${query}`), { statusCode: 400 }, query)
    if (query.includes('attempt=0')) continue
    t.match(await app.inject({ method: 'DELETE', url: `/deleteImage?${query}` }), { statusCode: 400 }, query)
  }
  for (const query of ['', 'state=x', 'state=working&limit=0', 'state=working&limit=1001'])
    t.match(await app.inject(`/images?${query}`), { statusCode: 400 }, query)
  t.same(await readdir(join(path, 'incoming')), [])
  t.same(await readdir(join(path, 'working/7')), [])
})

t.test('an image that is not there is 404, and deleting it is a success', async t => {
  const { app } = await open(t)
  for (const query of [upload, 'id=72&state=finished', 'id=72&state=finished&attempt=2']) {
    t.match(await app.inject(`/getImage?${query}`), { statusCode: 404 })
    const deleted = await app.inject({ method: 'DELETE', url: `/deleteImage?${query}` })
    t.match(deleted, { statusCode: 200, body: 'success' })
  }
})

t.test('create makes an image once, an attempt keeps its first result', async t => {
  const { app } = await open(t)
  t.match(await app.inject(put(`${upload}&create=1`, 'one')), { statusCode: 200 })
  t.match(await app.inject(put(`${upload}&create=1`, 'one')), { statusCode: 409 })
  t.equal((await app.inject(`/getImage?${upload}`)).body, 'one')
  t.match(await app.inject(put(`${upload}&create=0`, 'two')), { statusCode: 200 })
  t.equal((await app.inject(`/getImage?${upload}`)).body, 'two')
  const attempt = 'id=72&state=finished&attempt=4'
  t.match(await app.inject(put(attempt, 'one')), { statusCode: 200 })
  t.match(await app.inject(put(attempt, 'one')), { statusCode: 200 })
  t.match(await app.inject(put(attempt, 'two')), { statusCode: 409 })
  t.equal((await app.inject('/getImage?id=72&state=finished')).body, 'one')
})

t.test('the list for the sweeper names id, attempt, bytes and age', async t => {
  const { app } = await open(t)
  for (const query of ['id=7&state=finished', 'id=7&state=finished&attempt=2', 'id=8&state=finished'])
    await app.inject(put(query, 'abc'))
  const all = (await app.inject('/images?state=finished')).json()
  t.match(all, [
    { name: '7.0', id: 7, attempt: 0, bytes: 3 },
    { name: '7.2', id: 7, attempt: 2, bytes: 3 },
    { name: '8.0', id: 8, attempt: 0, bytes: 3 },
  ])
  t.ok(all.every(({ ageMs }: { ageMs: number }) => ageMs >= 0))
  const page = (await app.inject('/images?state=finished&after=7.0&limit=1')).json()
  t.match(page, [{ name: '7.2' }])
  t.same((await app.inject('/images?state=finished&olderThanMs=60000')).json(), [])
})

t.test('at the quota uploads are refused with 507 and a line, results are not; health tells', async t => {
  const { app } = await open(t, { quotaBytes: 500 })
  t.match(await app.inject(put(upload, bytesOf(400))), { statusCode: 200 })
  const refused = await app.inject(put('id=73&state=working', bytesOf(100)))
  t.equal(refused.statusCode, 507)
  t.match(refused.body, /^Error: [^\n]*quota[^\n]*expire[^\n]*\n$/)
  t.match(await app.inject(put('id=72&state=finished&attempt=1', bytesOf(400))), { statusCode: 200 })
  t.match((await app.inject('/health')).json(), { bytes: 928, quotaBytes: 500 })
  await app.inject({ method: 'DELETE', url: '/deleteImage?id=72&state=finished' })
  await app.inject({ method: 'DELETE', url: `/deleteImage?${upload}` })
  t.match(await app.inject(put('id=73&state=working', bytesOf(100))), { statusCode: 200 })
})

t.test('a deletion can be held to what is old enough', async t => {
  const { app, path } = await open(t)
  for (const attempt of [1, 2]) await app.inject(put(`id=72&state=finished&attempt=${attempt}`, 'x'))
  const then = new Date(Date.now() - 60_000)
  await utimes(join(path, 'finished/7/72.1'), then, then)
  const url = '/deleteImage?id=72&state=finished&olderThanMs=50000'
  t.match(await app.inject({ method: 'DELETE', url }), { statusCode: 200, body: 'success' })
  t.same(await readdir(join(path, 'finished/7')), ['72.2'])
  t.match(await app.inject({ method: 'DELETE', url: `${url}0x` }), { statusCode: 400 })
})

t.test('each state has its own limit, with a length announced and without', async t => {
  const { origin, path } = await listen(t)
  for (const [state, most] of Object.entries(maxBytes)) {
    for (const isChunked of [false, true]) {
      const send = (length: number) => {
        const bytes = bytesOf(length)
        const body = isChunked ? Readable.from(piecesOf(bytes)) : bytes
        return request(`${origin}/sendImage?id=72&state=${state}`, { method: 'POST', body })
      }
      t.equal((await send(most)).statusCode, 200, `${state} ${isChunked}`)
      const { statusCode, body } = await send(most + 1)
      t.equal(statusCode, 413, `${state} ${isChunked}`)
      t.match(await body.text(), String(most))
    }
  }
  t.same(await readdir(join(path, 'incoming')), [])
})

t.test('bodies may come chunked and with any Content-Type or none', async t => {
  const { origin, port } = await listen(t)
  for (const type of [undefined, '', 'image', 'test/plain', 'image/png', 'application/json', 'multipart/x']) {
    const bytes = bytesOf(150_000)
    const sending = httpRequest({
      port,
      method: 'POST',
      path: `/sendImage?${upload}`,
      headers: { 'transfer-encoding': 'chunked', ...(type !== undefined && { 'content-type': type }) },
    })
    sending.end(bytes)
    const [response] = await once(sending, 'response')
    t.equal(response.statusCode, 200, String(type))
    response.resume()
    const got = await request(`${origin}/getImage?${upload}`)
    t.ok(Buffer.from(await got.body.arrayBuffer()).equals(bytes))
  }
})

t.test('a sender that breaks off leaves no image and no temporary file', async t => {
  const { origin, path, port } = await listen(t)
  for (const headers of ['Content-Length: 200000', 'Transfer-Encoding: chunked']) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write(`POST /sendImage?${upload} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${headers}\r\n\r\n`)
    socket.write(headers.startsWith('T') ? `19000\r\n${'x'.repeat(0x19000)}\r\n` : 'x'.repeat(0x19000))
    const left = () => readdir(join(path, 'incoming'))
    while ((await left()).length === 0) await new Promise(setImmediate)
    socket.destroy()
    while ((await left()).length > 0) await new Promise(setImmediate)
    const { statusCode, body } = await request(`${origin}/getImage?${upload}`)
    await body.dump()
    t.equal(statusCode, 404, headers)
  }
})

t.test(
  'an upload refused by its parameters is answered before it has come, and the service lives on',
  async t => {
    const { origin, port } = await listen(t)
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write(
      `POST /sendImage?${upload}&attempt=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 3000000\r\n\r\n`,
    )
    const [answer] = await once(socket, 'data')
    t.match(String(answer), /^HTTP\/1.1 400 /)
    socket.write('x'.repeat(100_000))
    socket.destroy()
    const { statusCode, body } = await request(`${origin}/health`)
    await body.dump()
    t.equal(statusCode, 200)
  },
)

t.test('a corrupt image is 500 with one line, never its bytes, and health counts it', async t => {
  const { app, path } = await open(t)
  for (const length of [1_000, LARGE_BYTES]) {
    await app.inject(put(upload, bytesOf(length)))
    await truncate(join(path, 'working/7/72'), length - 1)
    const { statusCode, body } = await app.inject(`/getImage?${upload}`)
    t.equal(statusCode, 500)
    t.match(body, /^Error: The image working 72 is corrupt: [^\n]+\n$/)
    t.notMatch(body, path)
  }
  t.match((await app.inject('/health')).json(), { service: 'storage', corrupt: 2 })
})

t.test('a reader that goes away in the middle leaves no open file', async t => {
  const { origin, port } = await listen(t)
  const sent = await request(`${origin}/sendImage?${upload}`, { method: 'POST', body: bytesOf(3_900_000) })
  await sent.body.dump()
  const openImages = async () => {
    const links = (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
    return (await Promise.all(links)).filter(link => link.endsWith('working/7/72')).length
  }
  for (let i = 0; i < 5; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    socket.write(`GET /getImage?${upload} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
    // Half of them leave before the first byte, while the image is being verified.
    if (i % 2 === 0) await once(socket, 'data')
    else while ((await openImages()) === 0) await new Promise(setImmediate)
    socket.destroy()
  }
  while ((await openImages()) > 0) await new Promise(setImmediate)
  t.equal(await openImages(), 0)
})

async function* piecesOf(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 60_000) yield bytes.subarray(at, at + 60_000)
}
