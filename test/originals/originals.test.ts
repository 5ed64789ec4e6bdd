import t from 'tap'
import { FormData, request } from 'undici'
import { portSettings, type Service } from '../../scripts/services.ts'
import { uniqueImage } from '../images/noise.ts'
import { decodePng } from '../oracle/decode.ts'
import { startSystem } from '../system/system.ts'
import { fetchImage, upload, waitUntilDone } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { ask, askWhole, type Method, post, refused, says } from './answer.ts'
import { startOriginal } from './original.ts'
import { slowBody } from './slow.ts'

const noTask = 'Error: No non-started task.\n'

const system = await startSystem(t, {
  originals: portSettings.map(({ service }) => service),
  counts: { worker: 0 },
})
const { urls } = system
const { 'kv-store': kv, database, storage, master, frontend } = urls

/** Every route that takes something, with parameters that will do. */
const routes: readonly [Service, 'GET' | 'POST' | 'DELETE', string, Readonly<Record<string, string>>][] = [
  ['kv-store', 'GET', '/get', { key: 'k' }],
  ['kv-store', 'POST', '/set', { key: 'k', value: 'v' }],
  ['kv-store', 'DELETE', '/remove', { key: 'k' }],
  ['kv-store', 'GET', '/list', {}],
  ['database', 'POST', '/newTask', {}],
  ['database', 'GET', '/getById', { id: '0' }],
  ['database', 'POST', '/getNewTask', {}],
  ['database', 'POST', '/finishTask', { id: '0' }],
  ['database', 'POST', '/setById', {}],
  ['database', 'GET', '/list', {}],
  ['storage', 'POST', '/sendImage', { id: '0', state: 'working' }],
  ['storage', 'GET', '/getImage', { id: '0', state: 'working' }],
  ['master', 'POST', '/new', {}],
  ['master', 'GET', '/get', { id: '0' }],
  ['master', 'GET', '/isReady', { id: '0' }],
  ['master', 'POST', '/getNewTask', {}],
  ['master', 'POST', '/registerTaskFinished', { id: '0' }],
  ['frontend', 'GET', '/', {}],
  ['frontend', 'POST', '/submitTask', {}],
  ['frontend', 'GET', '/isReady', { id: '0' }],
  ['frontend', 'GET', '/getImage', { id: '0' }],
]

t.test('a wrong method, a missing parameter and a wrong number are 400 and a line of plain text', async t => {
  for (const [service, method, path, parameters] of routes) {
    const refuses = async (method: Method, changed: Record<string, string | undefined>) => {
      const given = Object.entries({ ...parameters, ...changed }).filter(([, value]) => value !== undefined)
      const url = `${urls[service]}${path}?${new URLSearchParams(given as [string, string][])}`
      t.match(await askWhole(url, method), { ...refused, type: /^text\/plain/ }, `${method} ${url}`)
    }
    await refuses(method === 'GET' ? 'POST' : 'GET', {})
    await refuses('PUT', {})
    for (const name of Object.keys(parameters)) await refuses(method, { [name]: undefined })
    const wrong = 'id' in parameters ? ['', 'x', '1.5', '0x1', '1e3', '9'.repeat(30)] : []
    for (const id of wrong) await refuses(method, { id })
  }
  t.match(await ask(`${storage}/getImage?id=0&state=other`), refused)
})

t.test('every other path is 404, also those that ours have besides', async t => {
  const foreign = ['/health', '/watch', '/getAll', '/renewTask', '/changes', '/images', '/task', '/other']
  for (const service of ['kv-store', 'database', 'storage', 'master', 'frontend'] as const)
    for (const path of foreign)
      t.equal((await ask(`${urls[service]}${path}?key=k&id=0`)).status, 404, `${service} ${path}`)
})

t.test('a kv-store keeps one value a key, and knows nothing of instances and times', async t => {
  t.same(await ask(`${kv}/get?key=someAddress`), says(''), 'an unknown key')
  t.same(await post(`${kv}/set?key=someAddress&value=one&instance=1&ttl=0`), says('success'))
  t.same(await post(`${kv}/set?key=someAddress&value=two&instance=2&ttl=0`), says('success'))
  t.same(await ask(`${kv}/get?key=someAddress&instance=1`), says('two'))
  const addresses = (['database', 'storage', 'master'] as const).map(
    service => `${service}Address : ${urls[service].replace('http://', '')}\n`,
  )
  t.equal((await ask(`${kv}/list`)).text, [...addresses, 'someAddress : two\n'].join(''))
  t.same(await ask(`${kv}/remove?key=someAddress&instance=1`, 'DELETE'), says('success'))
  t.same(await ask(`${kv}/get?key=someAddress`), says(''), 'it was everybody’s')
  t.same(await ask(`${kv}/remove?key=someAddress`, 'DELETE'), says('success'), 'also when there is none')
})

t.test('a database counts ids from 0 and shows a task at once', async t => {
  t.same(await post(`${database}/getNewTask`), { status: 400, text: noTask })
  for (const id of [0, 1, 2]) {
    t.same(await post(`${database}/newTask?id=77`), says(String(id)))
    t.same(await ask(`${database}/getById?id=${id}&wait=9`), says(`{"id":${id},"state":0}`))
  }
  for (const id of [3, 77, -1]) {
    t.match(await ask(`${database}/getById?id=${id}`), refused, `unknown: ${id}`)
    t.match(await post(`${database}/finishTask?id=${id}`), refused)
    t.match(await post(`${database}/setById`, `{"id":${id},"state":0}`), refused)
  }
})

t.test('a database grants the first task that is not started, and finishes what is in progress', async t => {
  const grant = () => post(`${database}/getNewTask?worker=one&wait=9`)
  t.match(await post(`${database}/finishTask?id=0`), refused, 'not started')
  t.same(await grant(), says('{"id":0,"state":1}'))
  t.same(await grant(), says('{"id":1,"state":1}'))
  t.same(await post(`${database}/finishTask?id=1&token=any`), says('success'))
  t.match(await post(`${database}/finishTask?id=1`), refused, 'finished already')
  t.same(await post(`${database}/setById`, '{"id":0,"state":0}'), says('success'))
  t.same(await grant(), says('{"id":0,"state":1}'), 'before 2, which never was started')
  t.same(await grant(), says('{"id":2,"state":1}'))
  t.same(await grant(), { status: 400, text: noTask })
})

t.test('a database takes any state from 0 to 2 for a task that exists', async t => {
  const set = (state: unknown) => post(`${database}/setById`, JSON.stringify({ id: 2, state }))
  for (const state of [0, 2, 1, 0, 1, 2]) {
    t.same(await set(state), says('success'))
    t.equal((await ask(`${database}/getById?id=2`)).text, `{"id":2,"state":${state}}`)
  }
  for (const state of [-1, 3, 1.5, 'x', null]) t.match(await set(state), refused, `state ${state}`)
  for (const body of ['', '{', 'null', '2']) t.match(await post(`${database}/setById`, body), refused, body)
  t.match((await ask(`${database}/list`)).text, /^0 : {2}id: 0 {2}state: 1\n.*\n2 : {2}id: 2 {2}state: 2\n$/)
})

t.test('a storage keeps one image for each id and state, whatever the attempt', async t => {
  const image = (id: number, state: string, more = '') => `${storage}/getImage?id=${id}&state=${state}${more}`
  const send = (state: string, more: string, bytes: string) =>
    post(`${storage}/sendImage?id=50&state=${state}${more}`, bytes)
  t.match(await ask(image(50, 'finished')), refused, 'unknown')
  t.same(await send('finished', '&attempt=1', 'the first'), says('success'))
  t.match(await ask(image(50, 'working')), refused, 'the other state')
  t.same(await send('finished', '&attempt=2&create=1', 'two'), says('success'))
  t.same(await askWhole(image(50, 'finished', '&attempt=1')), { ...says('two'), type: 'image/png' })
})

/** Resolves once that is all of the image a reader gets. */
const isRead = (id: string, text: string) =>
  waitFor(`image ${id} is '${text}'`, async () => {
    const answer = await ask(`${storage}/getImage?id=${id}&state=working`)
    return answer.status === 200 && answer.text === text
  })

t.test(
  'who reads an image while it is written gets a part of it, and nothing of the one before',
  async () => {
    const url = `${storage}/sendImage?id=51&state=working`
    await post(url, 'what was there before')
    const { body, sendRest } = slowBody(Buffer.from('half'), Buffer.from(' and half'))
    const sent = post(url, body)
    await isRead('51', 'half')
    sendRest()
    await sent
    await isRead('51', 'half and half')
  },
)

t.test('a writer that goes away leaves what it has written', async t => {
  const { body } = slowBody(Buffer.from('half'), Buffer.from(' and half'))
  const away = new AbortController()
  const url = `${storage}/sendImage?id=52&state=working`
  const sent = t.rejects(request(url, { method: 'POST', body, signal: away.signal }))
  await isRead('52', 'half')
  away.abort()
  await sent
  await isRead('52', 'half')
})

t.test('a master passes on refusals as 200', async t => {
  t.match(await ask(`${master}/get?id=4711`), { ...refused, status: 200 })
  t.same(await post(`${master}/getNewTask`), says(noTask))
  t.match(await post(`${master}/registerTaskFinished?id=4711`), { ...refused, status: 200 })
  t.match(await post(`${master}/registerTaskFinished?id=2`), { ...refused, status: 200 }, 'not in progress')
})

t.test('a master shows a task before its image is there, and takes its finish without a result', async t => {
  const isReady = (id: string) => ask(`${master}/isReady?id=${id}`)
  t.same(await isReady('4711'), says('0'), 'unknown')
  const { body, sendRest } = slowBody(Buffer.from('half'), Buffer.from(' and half'))
  const sent = post(`${master}/new?id=77`, body)
  await isRead('3', 'half')
  t.same(await isReady('3'), says('0'), 'not started')
  t.same(await post(`${master}/getNewTask`), says('{"id":3,"state":1}'))
  t.same(await isReady('3'), says('0'), 'in progress')
  t.same(await post(`${master}/registerTaskFinished?id=3&token=any`), says('success'))
  t.same(await isReady('3'), says('1'))
  t.match(await ask(`${master}/get?id=3`), { ...refused, status: 200 }, 'the result')
  sendRest()
  t.same(await sent, says('3'))
})

t.test('a frontend takes the field `uploadfile`, and shows the id as text', async t => {
  const page = await askWhole(`${frontend}/`)
  t.match(page, { status: 200, text: /<input type="file" name="uploadfile">/, type: /^text\/html/ })
  t.match(await upload(frontend, Buffer.from('an image')), { status: 200, text: /^4$/ })
  await isRead('4', 'an image')
  const form = (name: string, value: string | Blob) => {
    const made = new FormData()
    made.set(name, value)
    return made
  }
  for (const body of [form('other', new Blob(['an image'])), form('uploadfile', 'no file'), 'no form'])
    t.match(await post(`${frontend}/submitTask`, body), refused)
})

t.test('a frontend says whether a result is there, and shows it', async t => {
  const look = () => ask(`${frontend}/isReady?id=4&wait=9`)
  t.same(await look(), says('Your image is not ready yet.'))
  await post(`${storage}/sendImage?id=4&state=finished`, 'its result')
  await post(`${database}/setById`, '{"id":4,"state":2}')
  t.same(await look(), says('Your image is ready.'))
  const result = await askWhole(`${frontend}/getImage?id=4&attempt=9`)
  t.same(result, { ...says('its result'), type: 'image/png' })
})

t.test('a worker that joins does what waits', async t => {
  const image = uniqueImage(1)
  const { id = '' } = await upload(frontend, image)
  t.equal(id, '5')
  await startOriginal(t, 'worker', kv.replace('http://', ''), '2')
  t.equal(await waitUntilDone(frontend, id), 'ready')
  const [before, after] = [decodePng(image), decodePng(await fetchImage(frontend, id))]
  t.match(after.header, { width: before.header.width, height: before.header.height })
  const [red, green, blue] = before.frames[0]?.samples ?? []
  t.same([...(after.frames[0]?.samples.subarray(0, 4) ?? [])], [green, red, blue, 255])
})
