import t from 'tap'
import { request } from 'undici'
import { failed, finished, inProgress } from '../../database/contract.ts'
import { MOST_TASKS } from '../../frontend/contract.ts'
import { openBareServer } from '../kit/wire.ts'
import { waitFor } from '../system/waiting.ts'
import { openStreams, startDatabase, told } from './streams.ts'

const waiting = /"state":"waiting"/

t.test(
  'a task is told of from waiting to ready, each with the revision, and then the stream ends',
  async t => {
    const { stage, follow } = await openStreams(t)
    await stage.database.ask.newTask({ id: 1 })
    const wire = await follow(1)
    await wire.hears(waiting)
    await stage.database.ask.getNewTask({})
    await wire.hears(/"step":"working"/)
    await stage.database.ask.setById({}, { body: { id: 1, state: finished } })
    await wire.closed
    t.match(told(wire), [
      { id: 1, state: 'waiting', step: 'queued', ahead: 0 },
      { id: 1, state: 'waiting', step: 'working' },
      { id: 1, state: 'ready', image: '/getImage?id=1', took: { waitMs: Number } },
    ])
    t.equal(told(wire).length, 3)
    t.match(wire.heard(), /^HTTP\/1.1 200 OK\r\n/)
    t.match(wire.heard(), /content-type: text\/event-stream/)
    const ids = [...wire.heard().matchAll(/^event: task\nid: ([0-9]+)\ndata: /gm)].map(([, id]) => Number(id))
    t.equal(ids.length, 3)
    t.same(
      ids,
      [...new Set(ids)].sort((one, other) => one - other),
    )
  },
)

t.test('a task that fails is told of with its reason, on one line', async t => {
  const { stage, follow } = await openStreams(t)
  await stage.database.ask.newTask({ id: 1 })
  const wire = await follow(1)
  await wire.hears(waiting)
  const { token = '' } = (await stage.database.ask.getNewTask({ worker: 'test' })) ?? {}
  await stage.database.ask.failTask({ id: 1, token, retry: 0 }, { body: 'It is\ndata: broken' })
  await wire.closed
  const failure = { id: 1, state: 'failed', reason: 'It is data: broken' }
  t.match(told(wire).at(-1), failure)
  const late = await follow(1)
  await late.closed
  t.match(told(late), [failure], 'whoever comes later is told at once')
  t.equal(told(late).length, 1)
})

t.test('an unknown task is not found, a malformed id refused', async t => {
  const { url } = await openStreams(t)
  const headers = { accept: 'text/event-stream' }
  for (const [id, status] of [
    ['7', 404],
    ['x', 400],
  ] as const) {
    const { statusCode, body } = await request(`${url}/task?id=${id}`, { headers })
    t.equal(statusCode, status)
    t.match(await body.text(), /^Error: /)
  }
})

t.test('any number of streams read one feed, and none is read when nobody listens', async t => {
  const { stage, follow, asks } = await openStreams(t)
  for (const id of [1, 2]) await stage.database.ask.newTask({ id })
  const first = await follow(1)
  await first.hears(waiting)
  await waitFor('the feed is read', () => asks.held === 1)
  const others = [await follow(1), await follow(2), await follow(2)]
  for (const wire of others) await wire.hears(waiting)
  t.same(asks, { all: 1, held: 1 })
  for (const id of [1, 2]) await stage.database.ask.setById({}, { body: { id, state: finished } })
  for (const wire of [first, ...others]) {
    await wire.closed
    t.match(told(wire), [{ state: 'waiting' }, { state: 'ready' }])
  }
  await waitFor('the feed is let go', () => asks.held === 0)
  t.ok(asks.all <= 3, `${asks.all} asks for two changes`)
})

t.test('a reader who goes away leaves nothing behind, and takes nothing from the others', async t => {
  const { stage, follow, asks } = await openStreams(t)
  await stage.database.ask.newTask({ id: 1 })
  const [first, second] = [await follow(1), await follow(1)]
  for (const wire of [first, second]) await wire.hears(waiting)
  await waitFor('the feed is read', () => asks.held === 1)
  first.hangUp()
  await first.closed
  const third = await follow(1)
  await third.hears(waiting)
  t.equal(asks.held, 1)
  for (const wire of [second, third]) wire.hangUp()
  await waitFor('the feed is let go', () => asks.held === 0)
  const again = await follow(1)
  await again.hears(waiting)
  await stage.database.ask.setById({}, { body: { id: 1, state: finished } })
  await again.hears(/"state":"ready"/)
})

t.test('a task that is deleted while it is followed ends its stream, and no other', async t => {
  const { stage, follow, asks } = await openStreams(t)
  for (const id of [1, 2]) await stage.database.ask.newTask({ id })
  const [gone, other] = [await follow(1), await follow(2)]
  for (const wire of [gone, other]) await wire.hears(waiting)
  await waitFor('the feed is read', () => asks.held === 1)
  await stage.master.ask.delete({ id: 1 })
  t.equal(await gone.closed, undefined, 'in order')
  t.same(told(gone).at(-1), { id: 1, state: 'gone' })
  t.match(gone.heard(), /\r\n0\r\n\r\n$/)
  const last = await follow(2)
  await last.hears(waiting)
  await stage.master.ask.delete({ id: 2 })
  for (const wire of [other, last]) await wire.closed
})

t.test('a stream goes on over a restart of the database', async t => {
  const { stage, follow, asks } = await openStreams(t)
  const path = `${t.testdir()}/tasks.db`
  await stage.end('database')
  const before = await startDatabase(t, stage, path)
  await before.engine.newTask(1)
  const wire = await follow(1)
  await wire.hears(waiting)
  await waitFor('the feed is read', () => asks.held === 1)
  await before.end()
  const after = await startDatabase(t, stage, path)
  await after.engine.set(1, finished)
  await wire.closed
  t.match(told(wire), [{ state: 'waiting' }, { state: 'ready' }])
})

t.test('a database that was started anew is asked what it knows of each task', async t => {
  const { stage, follow, asks } = await openStreams(t)
  const folder = t.testdir()
  for (const id of [1, 2, 3, 4, 5]) await stage.database.ask.newTask({ id })
  const [known, forgotten] = [await follow(1), await follow(2)]
  for (const wire of [known, forgotten]) await wire.hears(waiting)
  await waitFor('the feed is read', () => asks.held === 1)
  await stage.end('database')
  const { engine } = await startDatabase(t, stage, `${folder}/other.db`)
  await engine.newTask(1)
  await engine.set(1, failed)
  await known.hears(/"state":"failed"/)
  await forgotten.closed
  t.match(told(forgotten), [{ state: 'waiting' }, { state: 'gone' }])
})

t.test('behind an original master, which has no feed, a stream asks by itself', async t => {
  const { stage, follow } = await openStreams(t)
  let answer = '0'
  const original = await openBareServer(t, (request, response) => {
    request.resume()
    if (request.url?.startsWith('/isReady')) response.end(answer)
    else response.writeHead(404).end('404 page not found\n')
  })
  await stage.end('master')
  const change = async (method: 'POST' | 'DELETE', path: string) =>
    (await request(`http://${stage.kv}${path}`, { method })).body.dump()
  await change('DELETE', '/remove?key=masterAddress')
  await change('POST', `/set?key=masterAddress&value=${original.address}`)
  const wire = await follow(1)
  await wire.hears(waiting)
  answer = '1'
  await wire.closed
  t.match(told(wire), [{ state: 'waiting' }, { state: 'ready' }])
})

t.test('a stream says that it is still there, and ends when the frontend drains', async t => {
  const { stage, app, follow } = await openStreams(t, { beatMs: 20 })
  await stage.database.ask.newTask({ id: 1 })
  const wire = await follow(1)
  await wire.hears(/(: still here\n\n[^:]*){2}/)
  await app.close()
  t.equal(await wire.closed, undefined, 'in order')
  t.match(wire.heard(), /\r\n0\r\n\r\n$/, 'with the last chunk')
})

t.test('while the database is away a stream says so, and what it learns once it is back', async t => {
  const { stage, follow } = await openStreams(t)
  await stage.end('database')
  const wire = await follow(1)
  await wire.hears(/"state":"unknown for now"/)
  const { engine } = await startDatabase(t, stage, ':memory:')
  await engine.newTask(1)
  await wire.hears(waiting)
})

t.test(
  'one stream tells of many tasks, of each at once and as it changes, up to the end of the last',
  async t => {
    const { stage, followAll, asks } = await openStreams(t)
    for (const id of [1, 2]) await stage.database.ask.newTask({ id })
    const wire = await followAll(1, 2, 3, 2)
    await wire.hears(/"id":1,[\s\S]*"id":2,[\s\S]*"id":3,/)
    t.match(told(wire), [
      { id: 1, state: 'waiting' },
      { id: 2, state: 'waiting' },
      { id: 3, state: 'gone' },
    ])
    await waitFor('the feed is read', () => asks.held === 1)
    await stage.database.ask.setById({}, { body: { id: 2, state: finished } })
    await wire.hears(/"id":2,"state":"ready"/)
    t.notMatch(wire.heard(), /\r\n0\r\n\r\n/, 'there is more to come')
    await stage.database.ask.setById({}, { body: { id: 1, state: failed } })
    await wire.closed
    t.match(told(wire).at(-1), { id: 1, state: 'failed' })
    t.equal(told(wire).filter(({ id }) => id === 2).length, 2, 'whoever is named twice is told of once')
  },
)

t.test('who waits is told how many are before it, and when there are fewer', async t => {
  const { stage, followAll } = await openStreams(t)
  for (const id of [1, 2, 3]) await stage.database.ask.newTask({ id })
  const wire = await followAll(3)
  const before = () => told(wire).map(({ ahead }) => ahead)
  await wire.hears(/"ahead":2/)
  await stage.database.ask.getNewTask({ worker: 'test' })
  await wire.hears(/"ahead":1/)
  await stage.database.ask.getNewTask({ worker: 'test' })
  await wire.hears(/"ahead":0/)
  await stage.database.ask.getNewTask({ worker: 'test' })
  await wire.hears(/"step":"working"/)
  t.same(before(), [2, 1, 0, undefined])
})

t.test('of tasks that there are not, or too many, no stream tells', async t => {
  const { url } = await openStreams(t)
  const statusOf = async (query: string) => {
    const { statusCode, body } = await request(`${url}/events${query}`)
    t.match(await body.text(), /^Error: /)
    return statusCode
  }
  t.equal(await statusOf('?ids=1,2,3'), 404)
  t.equal(await statusOf('?ids=1,x'), 400)
  t.equal(await statusOf(`?ids=${Array.from({ length: MOST_TASKS + 1 }, (_, id) => id)}`), 400)
})

t.test('operators are told of every task, also when there is none yet', async t => {
  const { stage, listen, followAll, asks } = await openStreams(t)
  const wire = await listen('/events')
  await wire.hears(/retry: /)
  await stage.database.ask.newTask({ id: 4 })
  await stage.database.ask.setById({}, { body: { id: 4, state: inProgress } })
  const visitor = await followAll(4)
  await visitor.hears(/"id":4/)
  await waitFor('the feed is read', () => asks.held === 1)
  for (const id of [1, 2]) await stage.database.ask.newTask({ id })
  await wire.hears(/"id":2,"state":"waiting"/)
  await stage.database.ask.getNewTask({})
  await wire.hears(/"id":1,"state":"waiting","step":"working"/)
  await stage.database.ask.setById({}, { body: { id: 1, state: finished } })
  await wire.hears(/"id":1,"state":"ready"/)
  await stage.database.ask.newTask({ id: 3 })
  await wire.hears(/"id":3,"state":"waiting"/)
  await waitFor('one question serves both', () => asks.held === 1)
  wire.hangUp()
  await wire.closed
  await stage.database.ask.setById({}, { body: { id: 4, state: finished } })
  await visitor.hears(/"id":4,"state":"ready"/)
  t.notMatch(visitor.heard(), /"id":[123]/)
  await waitFor('nobody reads the feed any more', () => asks.held === 0)
})

t.test('operators are told when they may have missed something, by the end of the stream', async t => {
  const { stage, url, listen } = await openStreams(t)
  const path = `${t.testdir()}/tasks.db`
  for (const id of [1, 2, 3]) await stage.database.ask.newTask({ id })
  const wire = await listen('/events')
  await wire.hears(/retry: /)
  await stage.end('database')
  await startDatabase(t, stage, path)
  await wire.closed
  t.match(wire.heard(), /0\r\n\r\n$/, 'in order')
  await stage.end('master')
  const without = await request(`${url}/events`)
  t.equal(without.statusCode, 503)
  await without.body.dump()
})

t.test('nobody else is told of every task', async t => {
  const { url } = await openStreams(t)
  const fromElsewhere = await request(`${url}/events`, { headers: { 'sec-fetch-site': 'cross-site' } })
  t.equal(fromElsewhere.statusCode, 400)
  await fromElsewhere.body.dump()
  const answer = await request(`${url}/events`, { headers: { 'x-forwarded-for': '10.0.0.1' } })
  t.equal(answer.statusCode, 400)
  t.match(await answer.body.text(), /The parameter ids is missing\./)
})
