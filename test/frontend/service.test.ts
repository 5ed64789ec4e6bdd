import { connect } from 'node:net'
import t from 'tap'
import { FormData, request } from 'undici'
import { collect } from '../../kit/body.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import type { Stage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'
import { formWith, get, submit } from './asking.ts'
import { openFrontend } from './open.ts'

async function take({ database }: Stage) {
  const grant = await database.ask.getNewTask({ worker: 'test', wait: 5 })
  return { id: grant?.id ?? 0, token: grant?.token ?? '', attempt: grant?.attempt }
}

t.test('an upload is answered with its id, and a browser is sent on to its page', async t => {
  const { stage, url } = await openFrontend(t)
  const image = uniqueImage(1)
  const { status, text } = await submit(url, formWith(image))
  t.equal(status, 200)
  const { data } = await stage.storage.ask.getImage({ id: Number(text), state: 'working' })
  t.same(Buffer.isBuffer(data) ? data : await collect(data, 1e8), image)
  const answer = await submit(url, formWith(image), { accept: 'text/html,*/*;q=0.8' })
  t.equal(answer.status, 303)
  t.match(answer.headers.location, /^\/task\?id=[0-9]+$/)
})

t.test('whoever waits is answered as soon as the picture is there, or when the time is up', async t => {
  const { stage, url } = await openFrontend(t)
  const { text: id } = await submit(url, formWith(uniqueImage(1)))
  t.match(await get(`${url}/isReady?id=${id}&wait=1`), { status: 200, text: 'Your image is not ready yet.' })
  const waiting = get(`${url}/isReady?id=${id}&wait=60`)
  const { token, attempt } = await take(stage)
  const data = uniqueImage(2)
  await stage.storage.ask.sendImage({ id: Number(id), state: 'finished', attempt }, { body: { data } })
  await stage.database.ask.finishTask({ id: Number(id), token })
  t.match(await waiting, { status: 200, text: 'Your image is ready.' })
  t.match(await get(`${url}/isReady?id=7&wait=60`), { status: 404 })
})

t.test('whoever waits at a frontend or a master that ends is told how it stands', async t => {
  for (const service of ['frontend', 'master'] as const) {
    const { stage, app, url } = await openFrontend(t)
    const { text: id } = await submit(url, formWith(uniqueImage(1)))
    let isAsked = false
    stage.apps.database.server.on('request', asked => {
      isAsked ||= /^\/getById/.test(asked.url ?? '')
    })
    const [asked, says] =
      service === 'frontend' ? [url, 'Your image is not ready yet.'] : [stage.urls.master, '0']
    const waiting = get(`${asked}/isReady?id=${id}&wait=60`)
    await waitFor('the ask', () => isAsked)
    await (service === 'frontend' ? app : stage.apps.master).close()
    t.match(await waiting, { status: 200, text: says }, service)
  }
})

t.test('a large upload comes through unchanged, behind other fields of the form', async t => {
  const { stage, url } = await openFrontend(t)
  const image = largeImage(1, 3_000_000)
  const form = new FormData()
  form.set('note', 'before the file')
  form.set('uploadfile', new Blob([new Uint8Array(image)]), 'a.png')
  const { text } = await submit(url, form)
  const { data } = await stage.storage.ask.getImage({ id: Number(text), state: 'working' })
  t.same(Buffer.isBuffer(data) ? data : await collect(data, 1e8), image)
})

t.test('a form without a file, with it elsewhere, or no form at all is refused', async t => {
  const { url } = await openFrontend(t)
  t.match(await submit(url, formWith(uniqueImage(1), 'other')), { status: 400, text: /uploadfile/ })
  const empty = new FormData()
  empty.set('note', 'no file')
  t.match(await submit(url, empty), { status: 400, text: /uploadfile/ })
  t.match(await submit(url, 'no form'), { status: 400, text: /multipart/ })
  const type = { 'content-type': 'multipart/form-data' }
  t.equal((await submit(url, 'no boundary', type)).status, 400)
})

t.test(
  'what is no PNG, or has too many pixels, is refused from its first bytes, and leaves nothing',
  async t => {
    const { stage, url } = await openFrontend(t, { maxPixels: 1_000 })
    t.match(await submit(url, formWith(Buffer.from('GIF89a'))), { status: 415, text: /^Error: .*signature/ })
    t.match(await submit(url, formWith(Buffer.alloc(0))), { status: 415 })
    const broken = uniqueImage(1, { width: 8, height: 8 })
    broken[20] = 0xff
    t.match(await submit(url, formWith(broken)), { status: 422 })
    for (const image of [uniqueImage(1, { width: 100, height: 100 }), largeImage(1, 3_000_000)])
      t.match(await submit(url, formWith(image)), { status: 413, text: /pixels/ })
    t.same(await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 }), [])
  },
)

t.test('a file that is too large is refused, and leaves nothing', async t => {
  const { stage, url } = await openFrontend(t, { maxUploadBytes: 100_000 })
  t.match(await submit(url, formWith(largeImage(1, 150_000))), { status: 413 })
  t.match(await submit(url, formWith(largeImage(1, 5_000_000))), { status: 413 })
  t.same(await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 }), [])
})

t.test('an upload that breaks off leaves nothing, wherever it does', async t => {
  const { stage, url } = await openFrontend(t)
  const { port } = new URL(url)
  const head = '--x\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.png"\r\n\r\n'
  const body = Buffer.concat([Buffer.from(head), largeImage(1, 400_000), Buffer.from('\r\n--x--\r\n')])
  for (const share of [0.01, 0.5, 0.99, 1 - 1 / body.length]) {
    const socket = connect(Number(port), '127.0.0.1')
    const start = 'POST /submitTask HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x\r\n'
    socket.write(`${start}Content-Length: ${body.length}\r\n\r\n`)
    await new Promise(resolve =>
      socket.write(body.subarray(0, Math.floor(share * (body.length - 9))), resolve),
    )
    socket.end()
    await new Promise(resolve => socket.resume().on('close', resolve).on('error', resolve))
  }
  await submit(url, formWith(uniqueImage(1)))
  const images = await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 })
  t.equal(images.length, 1, 'only the whole one is there')
  t.equal((await stage.database.ask.changes({ since: 0, wait: 0 })).tasks.length, 1)
})

t.test('a task is told of in words, from waiting to ready', async t => {
  const { stage, url } = await openFrontend(t)
  const { text: id } = await submit(url, formWith(uniqueImage(1)))
  t.match(await get(`${url}/isReady?id=${id}`), { status: 200, text: 'Your image is not ready yet.' })
  t.match(await get(`${url}/getImage?id=${id}`), { status: 409 })
  const page = await get(`${url}/task?id=${id}`)
  t.match(page.text, /http-equiv="refresh"/)
  t.equal(page.status, 200)
  t.same(JSON.parse((await get(`${url}/task?id=${id}`, { accept: 'application/json' })).text), {
    id: Number(id),
    state: 'waiting',
    step: 'queued',
  })

  const { attempt, token } = await take(stage)
  const image = uniqueImage(2)
  const result = { body: { data: image, length: image.length } }
  await stage.storage.ask.sendImage({ id: Number(id), state: 'finished', attempt }, result)
  await stage.database.ask.finishTask({ id: Number(id), token })
  t.match(await get(`${url}/isReady?id=${id}`), { status: 200, text: 'Your image is ready.' })
  t.notMatch((await get(`${url}/task?id=${id}`)).text, /http-equiv="refresh"/)
  t.match((await get(`${url}/task?id=${id}`)).text, new RegExp(`src="/getImage\\?id=${id}"`))
  const answer = await request(`${url}/getImage?id=${id}`)
  t.equal(answer.headers['content-type'], 'image/png')
  t.same(Buffer.from(await answer.body.arrayBuffer()), image)
})

t.test('a failed task says why, in every form, and no reason can bring markup along', async t => {
  const { stage, url } = await openFrontend(t)
  const { text: id } = await submit(url, formWith(uniqueImage(1)))
  const { token } = await take(stage)
  await stage.database.ask.failTask(
    { id: Number(id), token, retry: 0 },
    { body: 'It is <b>broken</b> & "wrong"' },
  )
  for (const route of ['isReady', 'getImage'])
    t.match(await get(`${url}/${route}?id=${id}`), { status: 422, text: /broken/ })
  const page = await get(`${url}/task?id=${id}`)
  t.equal(page.status, 422)
  t.match(page.text, /It is &#60;b&#62;broken/)
  t.notMatch(page.text, /<b>/)
  t.match(JSON.parse((await get(`${url}/task?id=${id}`, { accept: 'application/json' })).text), {
    state: 'failed',
  })
})

t.test('an unknown task is not found, a malformed id refused', async t => {
  const { url } = await openFrontend(t)
  for (const route of ['isReady', 'getImage', 'task']) {
    t.match(await get(`${url}/${route}?id=7`), { status: 404 }, route)
    t.match(await get(`${url}/${route}?id=x`), { status: 400 }, route)
    t.match(await get(`${url}/${route}`), { status: 400 }, route)
  }
})

t.test(
  'while all masters are away pictures go in and come out; a task’s page says so and looks again',
  async t => {
    const { stage, url } = await openFrontend(t)
    await stage.end('master')
    const image = uniqueImage(1)
    const { status, text: id } = await submit(url, formWith(image))
    t.equal(status, 200)
    const { attempt, token } = await take(stage)
    await stage.storage.ask.sendImage(
      { id: Number(id), state: 'finished', attempt },
      { body: { data: image } },
    )
    const waiting = get(`${url}/isReady?id=${id}&wait=60`)
    await stage.database.ask.finishTask({ id: Number(id), token })
    t.match(await waiting, { status: 200, text: 'Your image is ready.' })
    const answer = await request(`${url}/getImage?id=${id}`)
    t.same(Buffer.from(await answer.body.arrayBuffer()), image)
    const page = await get(`${url}/task?id=${id}`)
    t.match(page, { status: 503, headers: { 'retry-after': /^[0-9]+$/ } })
    t.match(page.text, /http-equiv="refresh"/)
  },
)

t.test(
  'while the database is away nothing is acknowledged, and who asks is told when to come back',
  async t => {
    const { stage, url } = await openFrontend(t)
    await get(`${url}/isReady?id=7`)
    await stage.end('database')
    const away = { status: 503, headers: { 'retry-after': /^[0-9]+$/ } }
    t.match(await get(`${url}/isReady?id=7`), away)
    t.match(await submit(url, formWith(uniqueImage(1))), away)
  },
)
