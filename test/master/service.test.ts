import { connect } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { request } from 'undici'
import { collect } from '../../kit/body.ts'
import type { Bytes } from '../../kit/contract.ts'
import { armFailpoints } from '../../kit/failpoint.ts'
import { encodePng } from '../images/encode.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { openStage, type Stage } from '../stage.ts'

const bodyOf = (data: Buffer): { body: Bytes } => ({ body: { data, length: data.length } })
const bytesOf = async ({ data }: Bytes) => (Buffer.isBuffer(data) ? data : collect(data, 1e8))

async function post(url: string, body?: Buffer | Readable) {
  const answer = await request(url, { method: 'POST', body: body ?? null })
  return { status: answer.statusCode, text: (await answer.body.text()).trim() }
}

/** A task of this stage, granted, with its result stored and said to be done. */
async function finish({ master, storage }: Stage, result: Buffer) {
  const grant = await master.ask.getNewTask({ worker: 'test', wait: 5 })
  const { id = 0, attempt, token } = grant ?? {}
  await storage.ask.sendImage({ id, state: 'finished', attempt }, bodyOf(result))
  await master.ask.registerTaskFinished({ id, token })
  return id
}

t.test('an upload is stored and has a task once its id is answered', async t => {
  const stage = await openStage(t)
  const image = uniqueImage(1)
  const id = Number(await stage.master.ask.new({}, bodyOf(image)))
  t.same(await bytesOf(await stage.storage.ask.getImage({ id, state: 'working' })), image)
  t.match(await stage.database.ask.getById({ id }), { id, state: 0 })
  t.equal(await stage.master.ask.isReady({ id }), '0')
})

t.test('a large upload streams through, with its length said before or not', async t => {
  const stage = await openStage(t)
  const image = largeImage(1, 3_000_000)
  for (const length of [image.length, undefined]) {
    const pieces = Array.from({ length: 50 }, (_, at) => image.subarray(at * 60_000, (at + 1) * 60_000))
    const rest = image.subarray(50 * 60_000)
    const id = Number(
      await stage.master.ask.new({}, { body: { data: Readable.from([...pieces, rest]), length } }),
    )
    t.same(await bytesOf(await stage.storage.ask.getImage({ id, state: 'working' })), image)
  }
})

t.test('ids are not counted up', async t => {
  const stage = await openStage(t)
  const ids: number[] = []
  for (let seed = 0; seed < 5; seed += 1)
    ids.push(Number(await stage.master.ask.new({}, bodyOf(uniqueImage(seed)))))
  t.equal(new Set(ids).size, 5)
  t.notOk(ids.some((id, at) => id - (ids[at - 1] ?? 0) === 1))
  t.ok(ids.every(id => Number.isSafeInteger(id) && id > 0))
})

t.test(
  'what is no PNG, a broken header and too many pixels are refused from the first bytes, and leave nothing',
  async t => {
    const stage = await openStage(t, { maxPixels: 1_000 })
    const image = uniqueImage(1, { width: 8, height: 8 })
    const broken = Buffer.from(image)
    broken[20] = 0xff
    const url = `${stage.urls.master}/new`
    t.match(await post(url, Buffer.from('GIF89a')), { status: 415 })
    t.match(await post(url), { status: 415 })
    t.match(await post(url, broken), { status: 422 })
    t.match(await post(url, uniqueImage(1, { width: 100, height: 100 })), { status: 413 })
    t.equal((await post(url, image)).status, 200)
    t.equal(
      (await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 })).length,
      1,
    )
  },
)

t.test('an upload that is too large is refused, said beforehand or found out', async t => {
  const stage = await openStage(t, { maxUploadBytes: 100_000 })
  const image = largeImage(1, 200_000)
  const url = `${stage.urls.master}/new`
  t.match(await post(url, image), { status: 413 })
  t.match(await post(url, Readable.from([image])), { status: 413 })
  t.same(await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 }), [])
})

t.test('an upload that breaks off leaves neither image nor task', async t => {
  const stage = await openStage(t)
  const { port } = new URL(stage.urls.master)
  const socket = connect(Number(port), '127.0.0.1')
  const image = largeImage(1, 1_000_000)
  socket.write(`POST /new HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: ${image.length}\r\n\r\n`)
  await new Promise(resolve => socket.write(image.subarray(0, 500_000), resolve))
  socket.resetAndDestroy()
  const id = await stage.master.ask.new({}, bodyOf(uniqueImage(1)))
  const images = await stage.storage.ask.images({ state: 'working', olderThanMs: 0, after: '', limit: 10 })
  t.same(
    images.map(({ id }) => String(id)),
    [id],
  )
})

t.test('a result is refused until it is there, and then answered', async t => {
  const stage = await openStage(t)
  const image = uniqueImage(1)
  const id = Number(await stage.master.ask.new({}, bodyOf(image)))
  await t.rejects(stage.master.ask.get({ id }), { code: 'conflict' })
  t.equal(await finish(stage, image), id)
  t.equal(await stage.master.ask.isReady({ id }), '1')
  t.same(await bytesOf(await stage.master.ask.get({ id })), image)
})

t.test('a result says until when it is kept, from the end of its task on', async t => {
  const stage = await openStage(t, { retentionMs: 60_000 })
  const before = Date.now()
  const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
  await finish(stage, uniqueImage(1))
  const after = Date.now()
  // Told in whole seconds.
  const { keptUntil = 0 } = await stage.master.ask.get({ id })
  t.ok(keptUntil >= before + 59_000 && keptUntil <= after + 60_000)
  while (Date.now() < after + 2_500) await stage.master.ask.isReady({ id })
  const { keptUntil: later } = await stage.master.ask.get({ id })
  t.ok(Math.abs((later ?? 0) - keptUntil) <= 1_000, 'it does not move with the question')
})

t.test('the terms are those the master keeps to', async t => {
  const stage = await openStage(t, { retentionMs: 60_000 })
  t.same(await stage.master.ask.terms({}), { retentionMs: 60_000 })
})

t.test('an upload beyond the quota is refused with 507 and leaves no task; a result is taken', async t => {
  const first = uniqueImage(1)
  const stage = await openStage(t, { quotaBytes: first.length + 1_000 })
  const id = Number(await stage.master.ask.new({}, bodyOf(first)))
  t.match(await post(`${stage.urls.master}/new`, uniqueImage(2)), { status: 507, text: /quota/ })
  t.equal(await finish(stage, uniqueImage(3)), id)
  t.equal((await stage.database.ask.changes({ since: 0, wait: 0 })).tasks.length, 1)
  await stage.master.ask.delete({ id })
  t.equal((await post(`${stage.urls.master}/new`, uniqueImage(2))).status, 200)
})

t.test('who waits for a result is answered when it is there', async t => {
  const stage = await openStage(t)
  const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
  const waiting = stage.master.ask.isReady({ id, wait: 30 })
  await finish(stage, uniqueImage(1))
  t.equal(await waiting, '1')
})

t.test('a failed task is refused with its reason everywhere', async t => {
  const stage = await openStage(t)
  const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
  const { token = '' } = (await stage.master.ask.getNewTask({ worker: 'test', wait: 5 })) ?? {}
  await stage.master.ask.failTask({ id, token, retry: 0 }, { body: 'It is all wrong.' })
  await t.rejects(stage.master.ask.isReady({ id }), { code: 'unprocessable', message: 'It is all wrong.' })
  await t.rejects(stage.master.ask.get({ id }), { code: 'unprocessable', message: 'It is all wrong.' })
})

t.test('an unknown id is not found', async t => {
  const stage = await openStage(t)
  await t.rejects(stage.master.ask.isReady({ id: 5 }), { code: 'not-found' })
  await t.rejects(stage.master.ask.get({ id: 5 }), { code: 'not-found' })
})

t.test('a plain ask that finds nothing is answered with 200 and a line, one that waits with 204', async t => {
  const stage = await openStage(t)
  t.same(await post(`${stage.urls.master}/getNewTask`), { status: 200, text: 'Error: No non-started task.' })
  t.match(await post(`${stage.urls.master}/getNewTask?worker=w`), { status: 204 })
})

t.test('a plain grant is id and state, and its finish counts only when its result is there', async t => {
  const stage = await openStage(t)
  const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
  t.same(await post(`${stage.urls.master}/getNewTask`), { status: 200, text: `{"id":${id},"state":1}` })
  t.match(await post(`${stage.urls.master}/registerTaskFinished?id=${id}`), { status: 409 })
  await stage.storage.ask.sendImage({ id, state: 'finished' }, bodyOf(uniqueImage(2)))
  t.same(await post(`${stage.urls.master}/registerTaskFinished?id=${id}`), { status: 200, text: 'success' })
  t.same(await bytesOf(await stage.master.ask.get({ id })), uniqueImage(2))
})

t.test(
  'a plain grant takes an older plain result away, so that it cannot be taken for the new one',
  async t => {
    const stage = await openStage(t)
    const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
    await stage.storage.ask.sendImage({ id, state: 'finished' }, bodyOf(uniqueImage(2)))
    await post(`${stage.urls.master}/getNewTask`)
    t.match(await post(`${stage.urls.master}/registerTaskFinished?id=${id}`), { status: 409 })
  },
)

t.test('a worker that hangs up while its ask is granted leaves the task to the next one', async t => {
  const stage = await openStage(t)
  const leaving = new AbortController()
  const gone = stage.master.ask
    .getNewTask({ worker: 'gone', wait: 30 }, { signal: leaving.signal })
    .catch(() => undefined)
  const upload = stage.master.ask.new({}, bodyOf(uniqueImage(1)))
  leaving.abort()
  await gone
  const id = Number(await upload)
  t.match(await stage.master.ask.getNewTask({ worker: 'next', wait: 10 }), { id })
})

t.test('a grant that the master cannot pass on waits again at once, and is no loss', async t => {
  const stage = await openStage(t)
  t.teardown(() => armFailpoints(''))
  const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
  armFailpoints('master.task.granted=error')
  await t.rejects(stage.master.ask.getNewTask({ worker: 'w', wait: 1 }), { code: 'unavailable' })
  t.match(await stage.database.ask.getById({ id }), { state: 0, attempt: 1, losses: 0 })
  t.match(await post(`${stage.urls.master}/getNewTask`), { status: 503 })
  t.match(await stage.database.ask.getById({ id }), { state: 0, losses: 0 })
})

t.test('deleting forgets the task and its images', async t => {
  const stage = await openStage(t)
  const id = Number(await stage.master.ask.new({}, bodyOf(uniqueImage(1))))
  await finish(stage, uniqueImage(1))
  await stage.master.ask.delete({ id })
  await t.rejects(stage.master.ask.isReady({ id }), { code: 'not-found' })
  for (const state of ['working', 'finished'] as const)
    t.same(await stage.storage.ask.images({ state, olderThanMs: 0, after: '', limit: 10 }), [])
  await stage.master.ask.delete({ id })
})

t.test('an upload while the storage is away is refused as such, and leaves no task', async t => {
  const stage = await openStage(t)
  await stage.master.ask.new({}, bodyOf(uniqueImage(1)))
  await stage.end('storage')
  await t.rejects(
    stage.master.ask.new({}, bodyOf(encodePng({ width: 1, height: 1, colourType: 0, bitDepth: 8 }))),
    {
      code: 'unavailable',
    },
  )
  t.equal((await stage.database.ask.changes({ since: 0, wait: 0 })).tasks.length, 1)
})
