import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { uniqueImage } from '../images/noise.ts'
import type { Stage } from '../stage.ts'
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
  t.match(await get(`${url}/getImages?ids=${broken.id}`), { status: 409 })
  t.match(await get(`${url}/getImages?ids=x`), { status: 400 })
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

t.test('a failed task may be tried again, by a program and by a form', async t => {
  const { stage, url } = await openFrontend(t)
  const one = await upload(stage, url, 1)
  t.match(await post(`${url}/tryAgain?id=${one.id}`), { status: 409 }, 'it has not failed')
  await one.fail('It is broken.')
  t.match(await post(`${url}/tryAgain?id=${one.id}`), { status: 200, text: 'success' })
  const again = await stage.database.ask.getNewTask({ worker: 'test' })
  t.match(again, { id: one.id, attempt: 2 })
  await stage.database.ask.failTask({ id: one.id, token: again?.token ?? '', retry: 0 }, { body: 'Again.' })
  const sent = await post(`${url}/tryAgain?id=${one.id}`, { accept: 'text/html' })
  t.match(sent, { status: 303, headers: { location: `/task?id=${one.id}` } })
  t.match(await post(`${url}/tryAgain?id=7`), { status: 404 })
  t.match(await post(`${url}/tryAgain?id=${one.id}`, { origin: 'http://elsewhere' }), { status: 403 })
})

t.test('a task is deleted at once, with its images, by a program and by a form', async t => {
  const { stage, url } = await openFrontend(t)
  const [one, two] = [await upload(stage, url, 1), await upload(stage, url, 2)]
  t.match(await post(`${url}/deleteTask?id=${one.id}`, { origin: 'http://elsewhere' }), { status: 403 })
  t.match(await post(`${url}/deleteTask?id=${one.id}`), { status: 200, text: 'success' })
  t.match(await get(`${url}/task?id=${one.id}`), { status: 404 })
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
  t.same(JSON.parse(answer.text), [
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
