import t from 'tap'
import type { Service } from '../../scripts/services.ts'
import { encodePng } from '../images/encode.ts'
import { uniqueImage } from '../images/noise.ts'
import { decodePng } from '../oracle/decode.ts'
import { upload } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { ask, post, says } from './answer.ts'
import { startOriginal } from './original.ts'
import { type Heard, openRecorder, type Recorder } from './recorder.ts'

/** Which requests came, in order, without the looking up and entering of addresses. */
const linesOf = ({ heard }: Recorder) =>
  heard.map(({ line }) => line).filter(line => !/^(GET \/get\?key|POST \/set)/.test(line))

/** Of a body with no length given. */
const chunked = { 'transfer-encoding': 'chunked', 'content-length': undefined }
const plain = { accept: undefined, 'content-type': undefined, 'transfer-encoding': undefined }

t.test('addresses are read once, at the start, and one’s own is entered once', async t => {
  const looksFor = {
    database: [],
    storage: [],
    master: ['databaseAddress', 'storageAddress'],
    frontend: ['masterAddress'],
  }
  for (const [service, keys] of Object.entries(looksFor) as [Service, string[]][]) {
    const others = await openRecorder(t)
    const { address, url } = await startOriginal(t, service, others.address)
    const expected = keys.map(key => `GET /get?key=${key}`)
    if (service !== 'frontend') expected.push(`POST /set?key=${service}Address&value=${address}`)
    await waitFor(`${service} looked up and entered`, () => others.heard.length >= expected.length)
    if (keys.length > 0) for (const id of [1, 2]) await ask(`${url}/isReady?id=${id}`)
    t.same(
      others.heard.map(({ line }) => line).filter(line => /\/(get\?key|set)/.test(line)),
      expected,
    )
    for (const { line, headers, body } of others.heard) {
      const isSet = line.startsWith('POST /set')
      t.match(headers, { ...plain, 'content-type': isSet ? /^$/ : undefined }, line)
      t.equal(body.length, 0)
    }
  }
})

t.test('a master makes the task first, then sends its image, and does not mind how that goes', async t => {
  const others = await openRecorder(t, ({ line }) => {
    if (line === 'POST /newTask') return { body: '7' }
    return line.startsWith('POST /sendImage') ? { status: 507, body: 'the disk is full\n' } : undefined
  })
  const { url } = await startOriginal(t, 'master', others.address)
  t.same(await post(`${url}/new?id=5`, 'an image'), says('7'))
  t.same(linesOf(others), ['POST /newTask', 'POST /sendImage?id=7&state=working'])
  t.match(others.about('POST /newTask')[0]?.headers, { ...plain, 'content-type': 'text/plain' })
  const [sent] = others.about('POST /sendImage')
  t.match(sent?.headers, { ...chunked, accept: undefined, 'content-type': /^image$/ })
  t.equal(String(sent?.body), 'an image')
})

t.test('a master passes on only the id, and what comes back as 200', async t => {
  let status = 200
  const others = await openRecorder(t, ({ line }) =>
    /key=/.test(line) ? undefined : { status, body: 'what was said' },
  )
  const { url } = await startOriginal(t, 'master', others.address)
  for (status of [200, 400, 404, 409, 422, 500, 503]) {
    const whatever = says('what was said')
    t.same(await ask(`${url}/get?id=3&attempt=2&state=working`), whatever, `/get: ${status}`)
    t.same(await post(`${url}/getNewTask?worker=w&wait=9`), whatever, `/getNewTask: ${status}`)
    const finish = `${url}/registerTaskFinished?token=t&id=3`
    t.same(await post(finish), whatever, `/registerTaskFinished: ${status}`)
    t.same(await ask(`${url}/isReady?id=3&wait=9`), says('0'), `/isReady: ${status}`)
  }
  t.same(linesOf(others).slice(0, 4), [
    'GET /getImage?id=3&state=finished',
    'POST /getNewTask',
    'POST /finishTask?id=3',
    'GET /getById?id=3',
  ])
  for (const { headers } of others.about('GET /getImage')) t.match(headers, plain)
  for (const { headers } of others.about('POST /getNewTask'))
    t.match(headers, { ...plain, 'content-type': 'text/plain' })
  for (const { headers } of others.about('POST /finishTask'))
    t.match(headers, { ...plain, 'content-type': 'test/plain' })
})

t.test('a frontend answers 400 to whatever was not 200', async t => {
  let status = 200
  const others = await openRecorder(t, ({ line }) =>
    /key=/.test(line) ? undefined : { status, body: status === 204 ? '' : 'what was said\n' },
  )
  const { url } = await startOriginal(t, 'frontend', others.address)
  const askAll = async () => [
    await upload(url, Buffer.from('an image')),
    await ask(`${url}/isReady?id=3&wait=9`),
    await ask(`${url}/getImage?id=3&attempt=2`),
  ]
  for (const answer of await askAll()) t.equal(answer.status, 200)
  for (status of [201, 204, 303, 400, 404, 409, 422, 503])
    for (const answer of await askAll())
      t.match(answer, { status: 400, text: status === 204 ? /^Error: \n$/ : /^Error: what was said\n$/ })
  t.same(linesOf(others).slice(0, 3), ['POST /new', 'GET /isReady?id=3', 'GET /get?id=3'])
  const [sent] = others.about('POST /new')
  t.match(sent?.headers, { ...chunked, accept: undefined, 'content-type': /^image$/ })
  t.equal(String(sent?.body), 'an image')
})

t.test('a worker calls every task finished, and ends when it is answered anything but 200', async t => {
  // Task 1 is fine, 2 has no image, 3 a broken one, 4 cannot be stored.
  const answers = [1, 2, 3, 4].map(id => ({ body: JSON.stringify({ id, state: 1 }) }))
  const asked: number[] = []
  const talk = ({ line }: Heard) => {
    if (line === 'POST /getNewTask') {
      asked.push(performance.now())
      if (asked.length === 1) return { body: 'Error: No non-started task.\n' }
      return answers.shift() ?? { status: 204 }
    }
    if (line.startsWith('GET /getImage?id=2')) return { status: 404, body: 'there is no such image\n' }
    if (line.startsWith('GET /getImage?id=3')) return { body: uniqueImage(3).subarray(0, 1_000) }
    if (line.startsWith('GET /getImage')) return { body: uniqueImage(1) }
    return line.startsWith('POST /sendImage?id=4') ? { status: 507, body: 'the disk is full\n' } : undefined
  }
  const others = await openRecorder(t, talk)
  const worker = await startOriginal(t, 'worker', others.address, '1')
  await waitFor('its end', () => !worker.isRunning())

  const work = (id: number) => [
    'POST /getNewTask',
    `GET /getImage?id=${id}&state=working`,
    `POST /sendImage?id=${id}&state=finished`,
    `POST /registerTaskFinished?id=${id}`,
  ]
  t.same(linesOf(others), ['POST /getNewTask', ...[1, 2, 3, 4].flatMap(work), 'POST /getNewTask'])
  t.ok((asked[1] ?? 0) - (asked[0] ?? 0) > 1_500, 'it waits about 2 s after what it does not like')
  for (const { line, headers } of others.heard) t.equal(headers.accept, undefined, line)
  for (const { headers } of others.about('POST /getNewTask'))
    t.match(headers, { ...plain, 'content-type': 'text/plain' })
  for (const { headers } of others.about('POST /sendImage'))
    t.match(headers, { ...chunked, 'content-type': 'image/png' })
  for (const { headers } of others.about('POST /registerTaskFinished'))
    t.match(headers, { ...plain, 'content-type': 'test/plain' })
})

t.test('a worker makes images of 8 bits, all of them opaque', async t => {
  let isDone = false
  const samples = new Uint8Array([10, 20, 30, 40, 50, 60, 70, 80])
  const others = await openRecorder(t, ({ line }) => {
    if (line === 'POST /getNewTask') return isDone ? { status: 404 } : { body: '{"id":0,"state":1}' }
    if (line.startsWith('GET /getImage'))
      return { body: encodePng({ width: 2, height: 1, colourType: 6, bitDepth: 8, samples }) }
    isDone ||= line.startsWith('POST /registerTaskFinished')
    return undefined
  })
  const worker = await startOriginal(t, 'worker', others.address, '1')
  await waitFor('its end', () => !worker.isRunning())
  const [sent] = others.about('POST /sendImage')
  const { header, frames } = decodePng(sent?.body ?? Buffer.alloc(0))
  t.match(header, { width: 2, height: 1, colourType: 6, bitDepth: 8 })
  t.same([...(frames[0]?.samples ?? [])], [20, 10, 30, 255, 60, 50, 70, 255])
})

t.test('a worker asks in several loops at once, and one bad answer ends them all', async t => {
  let waiting = 0
  const never = new Promise<undefined>(() => {})
  const others = await openRecorder(t, ({ line }) => {
    if (line !== 'POST /getNewTask') return undefined
    waiting += 1
    return waiting === 3 ? { status: 404, body: 'Error: No non-started task.\n' } : never
  })
  const worker = await startOriginal(t, 'worker', others.address, '3')
  await waitFor('its end', () => !worker.isRunning())
  t.equal(waiting, 3)
})
