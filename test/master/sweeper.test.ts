import t from 'tap'
import { silent } from '../../kit/log.ts'
import { openSweeper } from '../../master/sweeper.ts'
import { openStage, type Stage } from '../stage.ts'

const image = { body: { data: Buffer.from('an image'), length: 8 } }
const HOUR = 3_600_000

/** A sweeper that runs only when it is told to. */
function sweeperOf(t: Tap, stage: Stage, times: { retentionMs: number; orphanMs: number }) {
  const sweeper = openSweeper({ ...stage, ...times, log: silent, everyMs: 1e9 })
  t.teardown(() => sweeper.close())
  return sweeper
}
type Tap = { teardown(close: () => void): void }

async function namesOf({ storage }: Stage, state: 'working' | 'finished') {
  const images = await storage.ask.images({ state, olderThanMs: 0, after: '', limit: 100 })
  return images.map(({ id, attempt }) => `${id}.${attempt}`)
}

/** A task of this stage in a state, with an upload and the result of its attempt. */
async function make({ database, storage }: Stage, id: number, end: 'waits' | 'runs' | 'finishes' | 'fails') {
  await storage.ask.sendImage({ id, state: 'working' }, image)
  await database.ask.newTask({ id })
  if (end === 'waits') return
  const { token = '', attempt } = (await database.ask.getNewTask({ worker: 'w', wait: 1 })) ?? {}
  await storage.ask.sendImage({ id, state: 'finished', attempt }, image)
  if (end === 'finishes') await database.ask.finishTask({ id, token })
  if (end === 'fails') await database.ask.failTask({ id, token, retry: 0 }, { body: 'broken' })
}

t.test('tasks that ended long ago go with their images; what waits or runs stays', async t => {
  const stage = await openStage(t)
  await make(stage, 1, 'finishes')
  await make(stage, 2, 'fails')
  await make(stage, 3, 'runs')
  await make(stage, 4, 'waits')
  const gone = await sweeperOf(t, stage, { retentionMs: 0, orphanMs: 0 }).sweep()
  t.equal(gone.tasks, 2)
  t.same(await namesOf(stage, 'working'), ['3.0', '4.0'])
  t.same(await namesOf(stage, 'finished'), ['3.1'])
  await t.rejects(stage.database.ask.getById({ id: 1 }), { code: 'not-found' })
  t.match(await stage.database.ask.getById({ id: 3 }), { state: 1 })
})

t.test('tasks that ended lately stay with their images', async t => {
  const stage = await openStage(t)
  await make(stage, 1, 'finishes')
  t.same(await sweeperOf(t, stage, { retentionMs: HOUR, orphanMs: 0 }).sweep(), { tasks: 0, images: 0 })
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [['1.0'], ['1.1']])
})

t.test('images without a task go when they are old enough, and not before', async t => {
  const stage = await openStage(t)
  await stage.storage.ask.sendImage({ id: 1, state: 'working' }, image)
  await stage.storage.ask.sendImage({ id: 1, state: 'finished', attempt: 1 }, image)
  await sweeperOf(t, stage, { retentionMs: HOUR, orphanMs: HOUR }).sweep()
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [['1.0'], ['1.1']])
  await sweeperOf(t, stage, { retentionMs: HOUR, orphanMs: 0 }).sweep()
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [[], []])
})

t.test('results of attempts that lost go, the one that counts stays', async t => {
  const stage = await openStage(t)
  await make(stage, 1, 'finishes')
  await stage.storage.ask.sendImage({ id: 1, state: 'finished', attempt: 7 }, image)
  await stage.storage.ask.sendImage({ id: 1, state: 'finished' }, image)
  await sweeperOf(t, stage, { retentionMs: HOUR, orphanMs: 0 }).sweep()
  t.same(await namesOf(stage, 'finished'), ['1.1'])
})

t.test('two sweepers at once do no harm', async t => {
  const stage = await openStage(t)
  for (let id = 1; id <= 10; id += 1) await make(stage, id, id % 2 === 0 ? 'finishes' : 'runs')
  const sweepers = [1, 2].map(() => sweeperOf(t, stage, { retentionMs: 0, orphanMs: 0 }))
  await Promise.all(sweepers.map(sweeper => sweeper.sweep()))
  t.same((await namesOf(stage, 'working')).length, 5)
})
