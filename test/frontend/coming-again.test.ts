import t from 'tap'
import { failed, finished } from '../../database/contract.ts'
import { waitFor } from '../system/waiting.ts'
import { lastEventId, openStreams, startDatabase, told } from './streams.ts'

const waiting = /"state":"waiting"/

t.test('who comes again is told what changed since, and how many are before those that wait', async t => {
  const { stage, listen } = await openStreams(t)
  const { ask } = stage.database
  const path = '/events?ids=1,2,3,4'
  for (const id of [1, 2, 3, 4]) await ask.newTask({ id })
  await ask.setById({}, { body: { id: 1, state: failed } })
  await ask.getNewTask({ worker: 'test' })
  const first = await listen(path)
  await first.hears(/"id":1,[\s\S]*"id":2,[\s\S]*"id":3,[\s\S]*"id":4,/)
  first.hangUp()
  await first.closed
  await ask.setById({}, { body: { id: 3, state: failed } })

  const again = await listen(path, lastEventId(first))
  await again.hears(/"id":3,[\s\S]*"id":4,/)
  t.match(told(again), [
    { id: 3, state: 'failed' },
    { id: 4, state: 'waiting', ahead: 0 },
  ])
  await ask.setById({}, { body: { id: 2, state: finished } })
  await again.hears(/"id":2,"state":"ready"/)
  await ask.setById({}, { body: { id: 4, state: failed } })
  await again.closed
  t.equal(told(again).length, 4, 'and nothing of the one whose end it knew')

  const last = await listen(path, lastEventId(again))
  await last.hears(/^HTTP\/1\.1 204 /)
})

t.test('who comes again is answered at once, also where there is nothing new for a while', async t => {
  const { stage, listen } = await openStreams(t, { beatMs: 300 })
  await stage.database.ask.newTask({ id: 1 })
  await stage.database.ask.getNewTask({ worker: 'test' })
  const first = await listen('/events?ids=1')
  await first.hears(/"id":1,"state":"waiting","step":"working"/)
  first.hangUp()
  await first.closed
  const again = await listen('/events?ids=1', lastEventId(first))
  await again.hears(/^HTTP\/1\.1 200 [\s\S]*retry: [\s\S]*: still here/)
  t.same(told(again), [])
  await stage.database.ask.setById({}, { body: { id: 1, state: finished } })
  await again.hears(/"id":1,"state":"ready"/)
})

t.test('who was told nothing for certain is told all anew', async t => {
  const { stage, listen, asks } = await openStreams(t)
  const path = `${t.testdir()}/tasks.db`
  for (const id of [1, 2]) await stage.database.ask.newTask({ id })
  const first = await listen('/events?ids=1,2')
  await first.hears(/"id":1,[\s\S]*"id":2,/)
  await waitFor('the feed is read', () => asks.held === 1)
  await stage.end('database')
  const second = await listen('/events?ids=1', lastEventId(first))
  await second.hears(/"state":"unknown for now"/)
  t.match(
    second.heard(),
    /^event: task\nid\ndata: .*"unknown for now"/m,
    'and is not to come again with the id of before',
  )

  const { engine } = await startDatabase(t, stage, path)
  await engine.newTask(1)
  await second.hears(waiting)
  t.ok(lastEventId(second), 'once it is known again, there is an id again')
  const fromElsewhere = await listen('/events?ids=1', '999')
  await fromElsewhere.hears(waiting)
  t.pass('a number that the feed has not reached is another feed’s')
  const odd = await listen('/events?ids=1', 'what is this')
  await odd.hears(waiting)
})

t.test('operators who come again are told of every change since', async t => {
  const { stage, listen } = await openStreams(t)
  const { ask } = stage.database
  await ask.newTask({ id: 1 })
  const first = await listen('/events')
  await first.hears(/retry: /)
  await ask.newTask({ id: 2 })
  await first.hears(/"id":2/)
  first.hangUp()
  await first.closed
  for (const id of [3, 4]) await ask.newTask({ id })

  const again = await listen('/events', lastEventId(first))
  await again.hears(/"id":3[\s\S]*"id":4/)
  await ask.newTask({ id: 5 })
  await again.hears(/"id":5/)
  t.same(
    told(again).map(({ id }) => id),
    [3, 4, 5],
  )

  // While something changes all the time there is no end of it: what comes later comes live.
  let asks = 0
  stage.apps.master.server.on('request', ({ url }) => {
    if (!/^\/changes\?since=\d{1,10}&wait=0/.test(url ?? '') || asks >= 40) return
    asks += 1
    void ask.newTask({})
  })
  const everything = await listen('/events', '0')
  await everything.hears(/"id":1[\s\S]*"id":2[\s\S]*"id":3[\s\S]*"id":4[\s\S]*"id":5/)
  await ask.newTask({ id: 6 })
  await everything.hears(/"id":6,/)
  t.equal(asks, 1)
})
