import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { finished } from '../../database/contract.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { openBareServer, openWire } from '../kit/wire.ts'
import type { Stage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'
import { formWith, get, submit } from './asking.ts'
import { openFrontend } from './open.ts'

/** Uploads an image of that seed; its task is given to a worker of this test. */
async function upload(stage: Stage, url: string, seed: number) {
  const id = Number((await submit(url, formWith(uniqueImage(seed)))).text)
  const { token = '', attempt } = (await stage.database.ask.getNewTask({ worker: 'test', wait: 5 })) ?? {}
  const finish = async (data: Buffer) => {
    await stage.storage.ask.sendImage({ id, state: 'finished', attempt }, { body: { data } })
    await stage.database.ask.finishTask({ id, token })
  }
  const fail = (body: string) => stage.database.ask.failTask({ id, token, retry: 0 }, { body })
  return { id, finish, fail }
}

const post = async (url: string, headers: Record<string, string> = {}) => {
  const answer = await request(url, { method: 'POST', headers })
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
}

t.test('what was uploaded is shown beside the result, and nobody’s else', async t => {
  const { stage, url } = await openFrontend(t)
  const { id, finish } = await upload(stage, url, 1)
  await finish(uniqueImage(2))
  const bytesOf = async (query: string) =>
    Buffer.from(await (await request(`${url}/getImage?id=${id}${query}`)).body.arrayBuffer())
  t.same(await bytesOf('&state=working'), uniqueImage(1))
  t.same(await bytesOf('&state=finished'), uniqueImage(2))
  t.same(await bytesOf(''), uniqueImage(2))
  t.match(await get(`${url}/getImage?id=${id}&state=other`), { status: 400 })
  t.match(await get(`${url}/getImage?id=7&state=working`), { status: 404 })
})

t.test('what a browser has kept it may show while it is there, and asks each time', async t => {
  const { stage, url } = await openFrontend(t)
  const { id, finish } = await upload(stage, url, 1)
  await finish(uniqueImage(2))
  const ask = async (query: string, tag: string) => {
    const answer = await request(`${url}/getImage?id=${id}${query}`, { headers: { 'if-none-match': tag } })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  for (const query of ['', '&state=working']) {
    const { status, headers } = await ask(query, '"another"')
    t.equal(status, 200)
    t.equal(headers['cache-control'], 'private, no-cache')
    const tag = String(headers.etag)
    t.match(await ask(query, tag), { status: 304, headers: { etag: tag }, text: '' })
  }
  t.equal(stage.apps.master.served['/getByIds'], undefined, 'no master is asked')
  const { headers } = await ask('', '"another"')
  await stage.master.ask.delete({ id: Number(id) })
  for (const query of ['', '&state=working']) t.match(await ask(query, String(headers.etag)), { status: 404 })
  const waiting = await upload(stage, url, 3)
  const answer = await request(`${url}/getImage?id=${waiting.id}`, {
    headers: { 'if-none-match': `"${waiting.id}"` },
  })
  t.equal(answer.statusCode, 409, 'nobody has one that is not ready, whatever he says')
  await answer.body.dump()
})

t.test('nothing is kept of an original database, whose ids come again after its restart', async t => {
  const { stage, url } = await openFrontend(t)
  const original = await openBareServer(t, (request, response) => {
    if (request.url?.startsWith('/getById')) response.end('{"id":7,"state":2}')
    else response.writeHead(404).end('404 page not found\n')
  })
  await stage.end('database')
  for (const [method, path] of [
    ['DELETE', '/remove?key=databaseAddress&instance=database-here'],
    ['POST', `/set?key=databaseAddress&value=${original.address}`],
  ] as const)
    await (await request(`http://${stage.kv}${path}`, { method })).body.dump()
  for (const state of ['working', 'finished'] as const)
    await stage.storage.ask.sendImage({ id: 7, state }, { body: { data: uniqueImage(1) } })
  for (const query of ['', '&state=working']) {
    const answer = await request(`${url}/getImage?id=7${query}`, { headers: { 'if-none-match': '"7"' } })
    t.match(answer, { statusCode: 200, headers: { 'cache-control': 'private, no-cache' } })
    t.equal(answer.headers.etag, undefined)
    t.ok(uniqueImage(1).equals(Buffer.from(await answer.body.arrayBuffer())))
  }
})

t.test('results come together in an archive: those that are ready, as they are', async t => {
  const { stage, url } = await openFrontend(t)
  const ready = []
  for (const seed of [1, 2]) {
    const one = await upload(stage, url, seed)
    await one.finish(uniqueImage(10 + seed))
    ready.push(one.id)
  }
  const broken = await upload(stage, url, 3)
  await broken.fail('It is broken.')
  const answer = await request(`${url}/getImages?ids=${[...ready, broken.id, 7]}`)
  t.equal(answer.statusCode, 200)
  t.match(answer.headers, {
    'content-type': 'application/zip',
    'content-disposition': 'attachment; filename="verdigris.zip"',
  })
  const bytes = Buffer.from(await answer.body.arrayBuffer())
  for (const at of [0, 1]) {
    t.ok(bytes.includes(uniqueImage(11 + at)), 'stored as it is')
    t.ok(bytes.includes(Buffer.from(`${ready[at]}.png`)))
  }
  t.notOk(bytes.includes(Buffer.from(`${broken.id}.png`)))
  if (existsSync('/usr/bin/python3')) {
    const folder = t.testdir()
    mkdirSync(join(folder, 'out'))
    writeFileSync(join(folder, 'all.zip'), bytes)
    execFileSync('python3', ['-m', 'zipfile', '-t', join(folder, 'all.zip')])
  }
  const names = encodeURIComponent('Sun.png/../Sun.PNG')
  const named = await request(`${url}/getImages?ids=${ready}&names=${names}`)
  t.equal(named.statusCode, 400, 'three names for two ids')
  await named.body.dump()
  const twice = await request(`${url}/getImages?ids=${ready}&names=${names.replace('..%2F', '')}`)
  const archive = Buffer.from(await twice.body.arrayBuffer())
  for (const name of ['Sun.png', 'Sun (2).png']) t.ok(archive.includes(Buffer.from(name)), name)
  t.match(await get(`${url}/getImages?ids=${broken.id}`), { status: 409 })
  t.match(await get(`${url}/getImages?ids=7,8`), { status: 404 })
  await stage.end('database')
  t.match(await get(`${url}/getImages?ids=${ready}`), { status: 503 }, 'while nobody knows which are ready')
})

t.test('an archive of which a picture is lost on the way breaks off, and shows it', async t => {
  const { stage, url } = await openFrontend(t)
  const one = await upload(stage, url, 1)
  await one.finish(uniqueImage(11))
  const two = await upload(stage, url, 2)
  await two.finish(uniqueImage(12))
  await stage.storage.ask.deleteImage({ id: two.id, state: 'finished', attempt: 1 })
  const answer = await request(`${url}/getImages?ids=${one.id},${two.id}`)
  await t.rejects(answer.body.arrayBuffer())
})

t.test(
  'whoever wants no archive any more leaves no picture open behind, whether it has come or not',
  async t => {
    const { stage, url, port } = await openFrontend(t)
    const one = await upload(stage, url, 1)
    await one.finish(largeImage(1, 5_000_000))
    let [begun, open] = [0, 0]
    stage.apps.storage.server.on('request', (asked, answer) => {
      if (!asked.url?.startsWith('/getImage?')) return
      begun += 1
      open += 1
      answer.on('close', () => {
        open -= 1
      })
    })
    const path = `/getImages?ids=${one.id}`
    for (const leaves of ['at once', 'while it comes'] as const) {
      const before = begun
      const wire = await openWire(t, port)
      wire.say(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
      await waitFor('the picture is asked for', () => begun > before)
      if (leaves === 'while it comes') await wire.hears(/PK/)
      wire.hangUp()
      await waitFor(`nothing is open (${leaves})`, () => open === 0)
    }
    t.equal((await request(`${url}${path}`, { method: 'HEAD' })).statusCode, 200)
    await waitFor('nothing is open after a HEAD', () => open === 0)
  },
)

t.test('tasks that there are not count, however many are asked for at once', async t => {
  const visitors = { missesPerMinute: 5 }
  const { stage, url } = await openFrontend(t, { visitors, trustProxy: ['127.0.0.1'] })
  await stage.database.ask.newTask({ id: 1 })
  const statusOf = async (path: string, from: string, accept = 'application/json') => {
    const headers = { 'x-forwarded-for': from, accept }
    const { statusCode, body } = await request(`${url}${path}`, {
      headers,
      signal: AbortSignal.timeout(5_000),
    })
    body.on('error', () => {}).destroy()
    return statusCode
  }
  const many = (count: number) => Array.from({ length: count }, (_, at) => 100 + at)
  t.equal(await statusOf(`/events?ids=1,${many(40)}`, '10.0.0.1'), 200, 'four misses')
  t.equal(await statusOf(`/events?ids=1,${many(40)}`, '10.0.0.1'), 429)
  t.equal(await statusOf(`/getImages?ids=${many(400)}`, '10.0.0.2'), 429)
  t.equal(await statusOf(`/events?ids=1,${many(400)}`, '10.0.0.3', 'text/event-stream'), 429)
  for (let asked = 0; asked < 5; asked += 1) t.equal(await statusOf('/events?ids=7', '10.0.0.4'), 404)
  t.equal(await statusOf('/events?ids=7', '10.0.0.4'), 429)
  t.equal(await statusOf('/events?ids=1', '10.0.0.4'), 429)
})

t.test('an archive breaks off as soon as a picture does', async t => {
  const { stage, url } = await openFrontend(t)
  const one = await upload(stage, url, 1)
  await one.finish(largeImage(1, 20_000_000))
  stage.apps.storage.server.on('request', (asked, answer) => {
    if (!asked.url?.startsWith('/getImage?')) return
    const { socket } = asked
    const before = socket.bytesWritten
    // Some of it is on its way by then.
    const look = setInterval(() => {
      if (socket.bytesWritten - before > 200_000) socket.destroy()
    }, 1)
    answer.on('close', () => clearInterval(look))
  })
  const answer = await request(`${url}/getImages?ids=${one.id}`, { signal: AbortSignal.timeout(10_000) })
  const error = await answer.body.arrayBuffer().catch(thrown => thrown)
  t.match(error, { code: 'UND_ERR_SOCKET' }, 'not only when the time is up')
})

t.test('a failed task may be tried again, by a program and by a form', async t => {
  const { stage, url } = await openFrontend(t)
  const one = await upload(stage, url, 1)
  await one.fail('It is broken.')
  for (const says of ['once', 'and again'])
    t.match(await post(`${url}/tryAgain?id=${one.id}`), { status: 200, text: 'success' }, says)
  const again = await stage.database.ask.getNewTask({ worker: 'test' })
  t.match(again, { id: one.id, attempt: 2 })
  await stage.database.ask.failTask({ id: one.id, token: again?.token ?? '', retry: 0 }, { body: 'Again.' })
  const sent = await post(`${url}/tryAgain?id=${one.id}`, { accept: 'text/html' })
  t.match(sent, { status: 303, headers: { location: `/task?id=${one.id}` } })
  t.match(await post(`${url}/tryAgain?id=7`), { status: 404 })
  await stage.database.ask.setById({}, { body: { id: one.id, state: finished } })
  t.match(await post(`${url}/tryAgain?id=${one.id}`), { status: 409 }, 'of one that is finished')
  t.match(await post(`${url}/tryAgain?id=${one.id}`, { origin: 'http://elsewhere' }), { status: 403 })
})

t.test('a task is deleted at once, with its images, by a program and by a form', async t => {
  const { stage, url } = await openFrontend(t)
  const [one, two] = [await upload(stage, url, 1), await upload(stage, url, 2)]
  t.match(await post(`${url}/deleteTask?id=${one.id}`, { origin: 'http://elsewhere' }), { status: 403 })
  t.match(await post(`${url}/deleteTask?id=${one.id}`), { status: 200, text: 'success' })
  t.match(await get(`${url}/task?id=${one.id}`), { status: 404 })
  t.match(await post(`${url}/deleteTask?id=${one.id}`), { status: 404 })
  const sent = await post(`${url}/deleteTask?id=${two.id}`, { accept: 'text/html' })
  t.match(sent, { status: 303, headers: { location: '/' } })
  t.same(await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 }), [])
})

t.test('how many tasks stand is told in one answer, too', async t => {
  const { stage, url } = await openFrontend(t)
  const one = await upload(stage, url, 1)
  await one.fail('It is broken.')
  const two = await upload(stage, url, 2)
  const answer = await get(`${url}/events?ids=${two.id},7,${one.id}`, { accept: 'application/json' })
  t.equal(JSON.parse(answer.text).length, 3)
  t.match(JSON.parse(answer.text), [
    { id: two.id, state: 'waiting', step: 'working' },
    { id: 7, state: 'gone' },
    { id: one.id, state: 'failed', reason: 'It is broken.' },
  ])
})

t.test('the script may be kept for good under its name, and is asked for anew under another', async t => {
  const { url } = await openFrontend(t)
  const path = /src="(\/page\.js\?v=[^"]+)"/.exec((await get(url)).text)?.[1]
  const named = await get(`${url}${path}`)
  t.match(named.headers, { 'cache-control': /immutable/, 'content-type': /^text\/javascript/ })
  const other = await get(`${url}/page.js?v=old`)
  t.equal(other.headers['cache-control'], 'no-cache')
  t.equal(other.text, named.text)
})
