import { once } from 'node:events'
import t from 'tap'
import type { Grant } from '../../database/contract.ts'
import { collect } from '../../kit/body.ts'
import { ServiceError } from '../../kit/errors.ts'
import { silent } from '../../kit/log.ts'
import type { Lease } from '../../worker/lease.ts'
import { openPool, type PoolOptions, type Run } from '../../worker/pool.ts'
import { createTaskRunner } from '../../worker/task.ts'
import { broken } from '../images/broken.ts'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { openStage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'
import { ended, openWorker, runnerOf, submit } from './workshop.ts'

t.test('tasks are finished with the right results, many at once', async t => {
  const { stage } = await openWorker(t)
  const images = Array.from({ length: 20 }, (_, seed) => uniqueImage(seed))
  const ids = await Promise.all(images.map(image => submit(stage, image)))
  for (const [at, id] of ids.entries()) {
    t.match(await ended(stage, id), { state: 2, attempt: 1, result: 1, errors: 0, losses: 0 })
    const { data } = await stage.master.ask.get({ id })
    t.same(differences(images[at] as Buffer, Buffer.isBuffer(data) ? data : await collect(data, 1e8)), [])
  }
})

t.test('while tasks wait each comes with the end of the one before, and nobody asks', async t => {
  const stage = await openStage(t)
  const ids: number[] = []
  for (let seed = 0; seed < 10; seed += 1) ids.push(await submit(stage, uniqueImage(seed)))
  let asks = 0
  const getNewTask: typeof stage.database.ask.getNewTask = (...given) => {
    asks += 1
    return stage.database.ask.getNewTask(...given)
  }
  const database = { ...stage.database, ask: { ...stage.database.ask, getNewTask } }
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({ database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  for (const id of ids) t.match(await ended(stage, id), { state: 2, attempt: 1 })
  t.ok(asks <= 2, `${asks} asks`)
})

t.test('a pool that drains takes no further task, though tasks wait', async t => {
  const stage = await openStage(t)
  const ids: number[] = []
  for (let seed = 0; seed < 5; seed += 1) ids.push(await submit(stage, uniqueImage(seed)))
  let begun = 0
  const run: Run = async (_grant, lease) => {
    begun += 1
    await new Promise(resolve => setTimeout(resolve, 100))
    await lease.finish()
  }
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  await waitFor('the second task', () => begun === 2)
  await pool.drain()
  const tasks = await Promise.all(ids.map(id => stage.database.ask.getById({ id })))
  t.same(
    tasks.map(({ state }) => state),
    [2, 2, 0, 0, 0],
  )
  t.equal(begun, 2)
})

t.test('a broken image fails at once, with the reason, and leaves no result', async t => {
  const { stage } = await openWorker(t)
  const image = broken().find(({ status }) => status === 'failed')
  const id = await submit(stage, image?.bytes ?? Buffer.alloc(0))
  t.match(await ended(stage, id), { state: 3, attempt: 1, reason: image?.reason })
  t.same(await stage.storage.ask.images({ state: 'finished', olderThanMs: 0, after: '', limit: 10 }), [])
})

t.test('a task whose upload is not there yet is handed back, uncounted, and done when it is', async t => {
  const { stage } = await openWorker(t)
  await stage.database.ask.newTask({ id: 7 })
  await waitFor(
    'a second attempt',
    async () => ((await stage.database.ask.getById({ id: 7 })).attempt ?? 0) >= 2,
  )
  const data = uniqueImage(1)
  await stage.storage.ask.sendImage({ id: 7, state: 'working' }, { body: { data, length: data.length } })
  t.match(await ended(stage, 7), { state: 2, errors: 0, losses: 0 })
})

t.test('tasks whose uploads are not there hold up no other, also where each is to run alone', async t => {
  const stage = await openStage(t, { leaseMs: 300 })
  const missing = [1, 2, 3, 4, 5, 6]
  for (const id of missing) await stage.database.ask.newTask({ id })
  // A worker that is lost over all of them.
  for (const _ of missing) await stage.database.ask.getNewTask({ worker: 'lost' })
  await waitFor('they are alone', async () => {
    const tasks = await stage.database.ask.getByIds({ ids: missing })
    return tasks.every(({ losses = 0 }) => losses > 0)
  })
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  await waitFor('all were tried', async () =>
    (await stage.database.ask.getByIds({ ids: missing })).every(({ attempt = 0 }) => attempt >= 2),
  )
  for (const seed of [1, 2, 3])
    t.match(await ended(stage, await submit(stage, uniqueImage(seed))), { state: 2, attempt: 1 })
  for (const id of missing) t.match(await stage.database.ask.getById({ id }), { errors: 0, losses: 1 })
})

t.test('a task whose upload is missed for too long fails', async t => {
  const stage = await openStage(t)
  await stage.database.ask.newTask({ id: 7 })
  const run = createTaskRunner({ ...runnerOf(stage), uploadMs: 1_200 })
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  const task = await ended(stage, 7)
  t.match(task, { state: 3, reason: 'The upload is missing.' })
  t.ok((task.ageMs ?? 0) > 1_200, `${task.ageMs} ms`)
})

t.test('a finish that did not come through while its lease ran takes the loss back later on', async t => {
  const leaseMs = 1_200
  const stage = await openStage(t, { leaseMs })
  const { ask } = stage.database
  let isCut = false
  const unless =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      isCut ? Promise.reject(new ServiceError('unavailable', 'cut off')) : call(...args)
  const cut = { finishTask: unless(ask.finishTask), renewTask: unless(ask.renewTask) }
  const database = { ...stage.database, ask: { ...ask, ...cut, getNewTask: unless(ask.getNewTask) } }
  const once = createTaskRunner(runnerOf(stage))
  const run: Run = async (grant, lease) => {
    isCut = grant.attempt === 1
    // The second holder takes longer than the first one's late word.
    if (!isCut) await new Promise(resolve => setTimeout(resolve, leaseMs))
    await once(grant, lease)
  }
  const pool = openPool({ database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  const id = await submit(stage, uniqueImage(1))
  await waitFor('the loss', async () => (await ask.getById({ id })).losses === 1)
  // By then the worker has given up as well.
  await new Promise(resolve => setTimeout(resolve, leaseMs))
  isCut = false
  t.match(await ended(stage, id), { state: 2, attempt: 2, losses: 0 })
})

t.test('an error that is none of the image’s is tried again, and ends it the third time', async t => {
  let tries = 0
  const failing: Run = async (_grant, lease) => {
    tries += 1
    await lease.fail('It did not work.', true)
  }
  const { stage } = await openWorker(t, {}, () => failing)
  const id = await submit(stage, uniqueImage(1))
  t.match(await ended(stage, id), { state: 3, errors: 3, reason: 'It did not work.' })
  t.equal(tries, 3)
})

t.test('a lease is renewed for as long as the task takes', async t => {
  const slow =
    (run: Run): Run =>
    async (grant, lease) => {
      await new Promise(resolve => setTimeout(resolve, 2_500))
      await run(grant, lease)
    }
  const { stage } = await openWorker(t, { leaseMs: 1_000 }, slow)
  const id = await submit(stage, uniqueImage(1))
  t.match(await ended(stage, id), { state: 2, attempt: 1, losses: 0 })
})

t.test('a word that got stuck on its way is said again', async t => {
  const stage = await openStage(t, { leaseMs: 2_400 })
  const { ask } = stage.database
  let said = 0
  const finishTask: typeof ask.finishTask = (query, options) => {
    said += 1
    if (said > 1) return ask.finishTask(query, options)
    const { signal } = options ?? {}
    return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  }
  const database = { ...stage.database, ask: { ...ask, finishTask } }
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({ database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  const id = await submit(stage, uniqueImage(1))
  t.match(await ended(stage, id), { state: 2, attempt: 1, losses: 0 })
  t.equal(said, 2)
})

t.test('the next task comes with the end of the one before, whenever it is made', async t => {
  const { stage } = await openWorker(t, {}, undefined, 1)
  for (const seed of [1, 2, 3])
    t.match(await ended(stage, await submit(stage, uniqueImage(seed))), { state: 2 })
  t.equal(stage.apps.database.served['/getNewTask'], 1)
})

t.test('who has lost his lease is told so, and what he did counts for nothing', async t => {
  let zombie: Lease | undefined
  let wasLate: boolean | undefined
  const asleep =
    (run: Run): Run =>
    async (grant, lease) => {
      if (grant.attempt !== 1) return run(grant, lease)
      zombie = lease
      lease.close()
      const { id } = grant
      await waitFor('the second attempt', async () => (await stage.database.ask.getById({ id })).state === 2)
      wasLate = !(await lease.finish())
    }
  // The sleeper has but one thread: another worker takes the task.
  const { stage } = await openWorker(t, { leaseMs: 500 }, asleep, 1)
  const run = createTaskRunner(runnerOf(stage))
  const id = await submit(stage, uniqueImage(1))
  await waitFor('the first attempt', () => zombie !== undefined)
  const other = openPool({ database: stage.database, instance: 'other', threads: 1, run, log: silent })
  t.teardown(() => other.drain())
  const task = await ended(stage, id)
  t.equal(task.state, 2)
  t.ok((task.result ?? 0) > 1)
  await waitFor('the zombie heard', () => wasLate !== undefined)
  t.ok(wasLate)
  t.match(await stage.database.ask.getById({ id }), { state: 2, result: task.result })
})

t.test('a task that lost a worker runs alone', async t => {
  let together = 0
  let running = 0
  let isAlone: boolean | undefined
  const watch =
    (run: Run): Run =>
    async (grant, lease) => {
      running += 1
      if (grant.alone) isAlone = running === 1
      else if (isAlone === undefined) together = Math.max(together, running)
      await new Promise(resolve => setTimeout(resolve, 50))
      await run(grant, lease)
      if (grant.alone) isAlone = isAlone && running === 1
      running -= 1
    }
  const stage = await openStage(t, { leaseMs: 1_000 })
  const lonely = await submit(stage, uniqueImage(0))
  await stage.database.ask.getNewTask({ worker: 'dies', wait: 1 })
  const ids = [lonely]
  for (let seed = 1; seed < 12; seed += 1) ids.push(await submit(stage, uniqueImage(seed)))
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({ database: stage.database, instance: 'w', threads: 3, run: watch(run), log: silent })
  t.teardown(() => pool.drain())
  for (const id of ids) t.match(await ended(stage, id), { state: 2 })
  t.equal((await stage.database.ask.getById({ id: lonely })).losses, 1)
  t.ok(isAlone)
})

t.test('tasks that lost a worker together run alone one after the other, and are lost no more', async t => {
  const stage = await openStage(t, { leaseMs: 1_000 })
  const ids = await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(seed => submit(stage, uniqueImage(seed))))
  for (const _ of ids) await stage.database.ask.getNewTask({ worker: 'dies', wait: 1 })
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({ database: stage.database, instance: 'w', threads: 8, run, log: silent })
  t.teardown(() => pool.drain())
  for (const id of ids) {
    await ended(stage, id)
    t.match(await stage.database.ask.getById({ id }), { state: 2, losses: 1 })
  }
})

t.test('draining lets what runs end', async t => {
  const { stage, pool } = await openWorker(t)
  const ids = await Promise.all([1, 2, 3].map(seed => submit(stage, uniqueImage(seed))))
  await waitFor('a task runs', () => pool.running() > 0)
  await pool.drain()
  const states = await Promise.all(ids.map(async id => (await stage.database.ask.getById({ id })).state))
  t.notOk(states.includes(1), 'nothing is left in progress')
})

t.test('whenever a pool drains, it loses no task that is being granted', async t => {
  const { stage, pool: first } = await openWorker(t)
  await first.drain()
  const { database } = stage
  const run = createTaskRunner(runnerOf(stage))
  const ids: number[] = []
  for (let round = 0; round < 20; round += 1) {
    const pool = openPool({ database, instance: `w${round}`, threads: 4, run, log: silent })
    const isFed = { until: performance.now() + 5 * round }
    const feed = async () => {
      do ids.push(await submit(stage, uniqueImage(ids.length)))
      while (performance.now() < isFed.until)
    }
    await Promise.all([feed(), feed(), feed().then(() => pool.drain())])
    const states = await Promise.all(ids.map(async id => (await database.ask.getById({ id })).state))
    t.notOk(states.includes(1), `nothing is left in progress in round ${round}`)
  }
})

t.test('draining hands back, uncounted, what takes too long', async t => {
  const stage = await openStage(t)
  const hangs: Run = () => new Promise(() => {})
  const { database } = stage
  const pool = openPool({ database, instance: 'w', threads: 2, run: hangs, drainMs: 100, log: silent })
  const ids = await Promise.all([1, 2].map(seed => submit(stage, uniqueImage(seed))))
  await waitFor('both run', () => pool.running() === 2)
  await pool.drain()
  for (const id of ids)
    t.match(await stage.database.ask.getById({ id }), { state: 0, attempt: 1, errors: 0, losses: 0 })
})

t.test('draining hands back what waits to run alone, and does not begin it', async t => {
  const grants: Grant[] = [
    { id: 1, state: 1, token: 'long' },
    { id: 2, state: 1, token: 'lone', alone: true },
  ]
  const released: (string | undefined)[] = []
  const ask = {
    getNewTask: async () => grants.shift(),
    releaseTask: async ({ token }: { token?: string }) => void released.push(token),
  }
  const database = { ask } as unknown as PoolOptions['database']
  const begun: number[] = []
  const run: Run = async ({ id }, lease) => {
    begun.push(id)
    await once(lease.signal, 'abort')
    return undefined
  }
  const pool = openPool({ database, instance: 'w', threads: 2, run, drainMs: 100, log: silent })
  await waitFor('the long one runs', () => pool.running() === 1)
  t.same(grants, [], 'the other one waits')
  await pool.drain()
  await waitFor('the long one has ended', () => pool.ended() === 1)
  await new Promise(setImmediate)
  t.same(released.sort(), ['lone', 'long'])
  t.same(begun, [1])
})
