import { once } from 'node:events'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { buildDatabase } from '../../database/service.ts'
import { waitFor } from '../system/waiting.ts'
import { given } from './engines.ts'

const identity = { service: 'database', instance: 'database-1', version: '0' }
type Method = 'GET' | 'POST' | 'DELETE'

function build(t: Test) {
  const engine = openSqliteTasks({ path: ':memory:' })
  const app = buildDatabase({ engine, identity, guard: undefined })
  t.teardown(async () => {
    await app.close()
    await engine.close()
  })
  const ask = async (method: Method, url: string, body?: string, headers: Record<string, string> = {}) => {
    const answer = await app.inject({ method, url, headers, ...(body !== undefined && { body }) })
    return { status: answer.statusCode, text: answer.body, headers: answer.headers }
  }
  const post = (url: string, body?: string, headers?: Record<string, string>) =>
    ask('POST', url, body, headers)
  const stateOf = async (id: number) => (await engine.get(id))?.state
  return { app, engine, ask, post, get: (url: string) => ask('GET', url), stateOf }
}

t.test('what an original asks for is answered as an original would', async t => {
  const { get, post } = build(t)
  const made = await post('/newTask', undefined, { 'content-type': 'text/plain' })
  const id = Number(made.text)
  t.same([made.status, Number.isSafeInteger(id)], [200, true])
  t.match(await get(`/getById?id=${id}`), { status: 200, text: new RegExp(`^\\{"id":${id},"state":0[,}]`) })
  const granted = await post('/getNewTask', undefined, { 'content-type': 'text/plain' })
  t.match(granted, { status: 200, text: `{"id":${id},"state":1}` })
  t.match(await post('/getNewTask'), { status: 404, text: 'Error: No non-started task.\n' })
  const finish = `/finishTask?id=${id}`
  t.match(await post(finish, undefined, { 'content-type': 'test/plain' }), { status: 200, text: 'success' })
  t.match(await post(finish), { status: 409 })
  t.match(await get('/list'), { status: 200, text: `${id} :  id: ${id}  state: 2\n` })
})

t.test('who finishes a task may get the next one with the answer', async t => {
  const { get, post } = build(t)
  await post('/newTask?id=1')
  await post('/newTask?id=2')
  const { token } = JSON.parse((await post('/getNewTask?worker=w')).text)
  const next = await post(`/finishTask?id=1&token=${token}&next=w`)
  t.match(next, { status: 200, headers: { 'content-type': /^application\/json/ } })
  const grant = JSON.parse(next.text)
  t.match(grant, { id: 2, state: 1, attempt: 1 })
  const last = await post(`/finishTask?id=2&token=${grant.token}&next=w`)
  t.match(last, { status: 200, text: 'success', headers: { 'content-type': /^text\/plain/ } })
  t.match(JSON.parse((await get('/getById?id=2')).text), { state: 2 })
})

t.test('who finishes a task may wait for the next one with the answer; it is finished at once', async t => {
  const { get, post } = build(t)
  await post('/newTask?id=1')
  const { token } = JSON.parse((await post('/getNewTask?worker=w')).text)
  let isAnswered = false
  const finish = `/finishTask?id=1&token=${token}&next=w&wait=60`
  const answer = post(finish).finally(() => {
    isAnswered = true
  })
  await waitFor('the end', async () => JSON.parse((await get('/getById?id=1')).text).state === 2)
  t.notOk(isAnswered)
  await post('/newTask?id=2')
  const next = JSON.parse((await answer).text)
  t.match(next, { id: 2, state: 1, attempt: 1 })
  const held = post(`/finishTask?id=2&token=${next.token}&next=w&wait=60`)
  await waitFor('the second end', async () => JSON.parse((await get('/getById?id=2')).text).state === 2)
  await post('/endAsks?worker=w')
  t.match(await held, { status: 200, text: 'success' })
  t.match(await post(finish.replace('wait=60', 'wait=0')), { status: 200, text: 'success' }, 'said again')
})

t.test('kept routes do not read their Content-Type', async t => {
  const { post } = build(t)
  await post('/newTask?id=1')
  for (const type of [
    undefined,
    '',
    'image',
    'test/plain',
    'text/plain',
    'application/x-www-form-urlencoded',
  ]) {
    const headers = type === undefined ? {} : { 'content-type': type }
    t.match(
      await post('/setById', '{"id":1,"state":0}', headers),
      { status: 200, text: 'success' },
      String(type),
    )
    t.match(await post('/newTask?id=1', '', headers), { status: 200, text: '1' }, String(type))
  }
})

t.test('a worker takes a task, renews it, hands it back, fails it and finishes it', async t => {
  const { get, post } = build(t)
  await post('/newTask?id=5')
  const take = async () => JSON.parse((await post('/getNewTask?worker=w1')).text)
  const first = await take()
  t.match(first, { id: 5, state: 1, attempt: 1, leaseMs: 15_000, alone: false })
  const held = ({ token }: { token: string }) => `id=5&token=${token}`
  t.match(await post(`/renewTask?${held(first)}`), { status: 200, text: 'success' })
  t.match(await post(`/releaseTask?${held(first)}`), { status: 200, text: 'success' })
  t.match(await post(`/renewTask?${held(first)}`), { status: 409 })
  const second = await take()
  t.match(await post(`/failTask?${held(second)}&retry=1`, 'no luck'), { status: 200 })
  const third = await take()
  t.equal(third.attempt, 3)
  t.match(await post('/finishTask?id=5'), { status: 409 })
  t.match(await post(`/finishTask?${held(third)}`), { status: 200, text: 'success' })
  t.match(await post(`/finishTask?${held(third)}`), { status: 200, text: 'success' })
  t.match(JSON.parse((await get('/getById?id=5')).text), { id: 5, state: 2, result: 3, errors: 1 })
  t.match(await post('/deleteTask?id=5'), { status: 200, text: 'success' })
  t.match(await post('/deleteTask?id=5'), { status: 200, text: 'success' })
  t.match(await get('/getById?id=5'), { status: 404 })
})

t.test('a deletion can be held to a task that ended long enough ago, and gives its id up', async t => {
  const { get, post } = build(t)
  await post('/newTask?id=5')
  t.match(await post('/deleteTask?id=5&endedMs=0'), { status: 409 })
  const { token } = JSON.parse((await post('/getNewTask?worker=w1')).text)
  await post(`/finishTask?id=5&token=${token}`)
  t.match(await post('/deleteTask?id=5&endedMs=60000'), { status: 409 })
  t.match(await get('/getById?id=5'), { status: 200 })
  for (const id of [5, 6]) {
    t.match(await post(`/deleteTask?id=${id}&endedMs=0`), { status: 200, text: 'success' })
    t.match(await post(`/newTask?id=${id}`), { status: 409 })
  }
  t.match(await post('/deleteTask?id=5&endedMs=x'), { status: 400 })
})

t.test('a failed task tells its reason', async t => {
  const { get, post } = build(t)
  await post('/newTask?id=5')
  const { token } = JSON.parse((await post('/getNewTask?worker=w1')).text)
  await post(`/failTask?id=5&token=${token}`, 'the image\nis broken')
  t.match(JSON.parse((await get('/getById?id=5')).text), { state: 3, reason: 'the image is broken' })
})

t.test('who waits in vain is answered with 204', async t => {
  const { post } = build(t)
  t.match(await post('/getNewTask?worker=w1'), { status: 204, text: '' })
  t.match(await post('/getNewTask?wait=0'), { status: 204, text: '' })
})

t.test('many tasks are answered at once, without those that are not there', async t => {
  const { get, post } = build(t)
  for (const id of [5, 6, 7]) await post(`/newTask?id=${id}`)
  await post('/setById', '{"id":6,"state":3}')
  const idsOf = async (ids: string) =>
    JSON.parse((await get(`/getByIds?ids=${ids}`)).text).map(({ id }: { id: number }) => id)
  t.same(await idsOf('6,7,8,0'), [6, 7])
  t.same(await idsOf('8'), [])
  t.match(JSON.parse((await get('/getByIds?ids=6')).text), [{ id: 6, state: 3 }])
  const largest = Array(500).fill('9007199254740991')
  t.match(await get(`/getByIds?ids=${encodeURIComponent(largest.join(','))}`), { status: 200, text: '[]' })
  const refused = ['', '?ids=', '?ids=1,', '?ids=1,,2', '?ids=1,07', '?ids=1,x', '?ids=1%202', '?ids=1&ids=2']
  for (const query of refused) t.match(await get(`/getByIds${query}`), { status: 400 }, query)
  t.match(await get(`/getByIds?ids=${largest.concat('1').join(',')}`), {
    status: 400,
    text: 'The parameter ids has more than 500 ids.\n',
  })
})

t.test('the feed is JSON', async t => {
  const { get, post } = build(t)
  await post('/newTask?id=5')
  const { revision, tasks } = JSON.parse((await get('/changes')).text)
  t.match(tasks, [{ id: 5, state: 0 }])
  t.same(JSON.parse((await get(`/changes?since=${revision}`)).text), {
    revision,
    next: 1,
    tasks: [],
    removed: [],
  })
})

t.test('what is not an id is 400, an unknown one 404', async t => {
  const { get, post } = build(t)
  const wrong = ['-1', '1.5', '1e3', '0x10', '%207', '%2B7', '07', '9007199254740992', '9223372036854775808']
  wrong.push('1'.repeat(400), 'NaN', '', '../x', '%2e%2e%2f', '%00', '%EF%BC%91', 'x'.repeat(10_000), 'null')
  for (const id of wrong) {
    t.match(await get(`/getById?id=${id}`), { status: 400 }, id.slice(0, 40))
    for (const route of ['/finishTask', '/deleteTask', '/newTask'])
      t.match(await post(`${route}?id=${id}`), { status: 400 }, `${route} ${id.slice(0, 40)}`)
    t.match(await post(`/renewTask?token=x&id=${id}`), { status: 400 }, id.slice(0, 40))
  }
  for (const id of ['0', '7', '9007199254740991']) {
    t.match(await get(`/getById?id=${id}`), { status: 404 })
    t.match(await get(`/getById?id=${id}&wait=60`), { status: 404 })
    t.match(await post(`/finishTask?id=${id}`), { status: 404 })
    t.match(await post('/setById', `{"id":${id},"state":0}`), { status: 404 })
    for (const route of ['/renewTask', '/releaseTask', '/failTask'])
      t.match(await post(`${route}?id=${id}&token=x`), { status: 404 })
  }
})

t.test('a parameter that is given twice, missing or malformed is 400', async t => {
  const { ask, get, post } = build(t)
  for (const url of ['/getById', '/getById?id=1&id=1', '/getById?id[]=1', '/getById?id=1&wait=x'])
    t.match(await get(url), { status: 400 }, url)
  for (const url of ['/changes?since=-1', '/changes?since=1&since=2', '/changes?wait=1.5'])
    t.match(await get(url), { status: 400 }, url)
  const posts = ['/newTask?id=1&id=2', '/getNewTask?worker=', '/getNewTask?wait=1&wait=2', '/renewTask?id=1']
  posts.push('/failTask?id=1&token=x&retry=2', '/finishTask?id=1&token=', '/releaseTask?token=x')
  for (const url of posts) t.match(await post(url), { status: 400 }, url)
  const bodies = ['', 'x', 'null', '[]', '{"id":1}', '{"id":"1","state":0}', '{"id":1,"state":4}']
  bodies.push('{"id":-1,"state":0}', '{"id":1.5,"state":0}', '{"id":9007199254740992,"state":0}')
  for (const body of bodies) t.match(await post('/setById', body), { status: 400 }, body)
  const wrong = await ask('DELETE', '/newTask')
  t.match(wrong, { status: 405, headers: { allow: 'POST' } })
})

t.test('a client that hangs up while it waits gets nothing, and the task stays for others', async t => {
  const { app, engine, stateOf } = build(t)
  const socket = await poll(t, app)
  socket.destroy()
  await once(given(await requestOf(app)), 'close')
  await engine.newTask(1)
  t.equal(await stateOf(1), 0)
})

t.test('a grant whose answer could not be written is undone, uncounted', async t => {
  const { app, engine } = build(t)
  // Its connection ends after the grant and before the answer: what a slow or a full socket would do.
  app.addHook('onSend', async (request, reply) => {
    if (request.url.includes('worker=gone')) reply.raw.destroy()
  })
  await poll(t, app, 'gone')
  await engine.newTask(1)
  let task = given(await engine.get(1))
  while (task.state !== 0) task = given(await engine.get(1, { waitMs: 5_000 }))
  t.match(task, { state: 0, attempt: 1, errors: 0, losses: 0 })
  const next = await engine.take({ isPlain: false })
  t.match(next?.grant, { attempt: 2, alone: false })
})

t.test('an answer that was written is not undone when its client goes afterwards', async t => {
  const { app, engine, stateOf } = build(t)
  const socket = await poll(t, app)
  await engine.newTask(1)
  const [answer] = await once(socket, 'data')
  t.match(String(answer), /200 OK/)
  socket.destroy()
  await once(given(await requestOf(app)), 'close')
  await engine.remove(2)
  t.equal(await stateOf(1), 1)
})

t.test('an end answers polls at once with nothing', async t => {
  const { app } = build(t)
  const socket = await poll(t, app)
  const answer = once(socket, 'data')
  await app.close()
  t.match(String(await answer), /^HTTP\/1.1 204 /)
})

const sockets = new WeakMap<object, import('node:net').Socket>()

/** The server's side of the last connection of `poll`. */
const requestOf = async (app: object) => sockets.get(app)

/** A worker's long poll on a socket of its own, once it has reached its handler. */
async function poll(t: Test, app: ReturnType<typeof buildDatabase>, worker = 'w1') {
  const arrived = new Promise<void>(resolve => {
    app.server.once('request', request => {
      sockets.set(app, request.socket)
      setImmediate(() => setImmediate(resolve))
    })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  socket.write(`POST /getNewTask?worker=${worker}&wait=30 HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`)
  await arrived
  return socket
}
