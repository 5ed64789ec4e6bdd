import { resolve } from 'node:path'
import t from 'tap'
import { openThreads } from '../../codec/threads.ts'
import { ServiceError } from '../../kit/errors.ts'
import { armFailpoints } from '../../kit/failpoint.ts'
import { silent } from '../../kit/log.ts'
import { openPool } from '../../worker/pool.ts'
import { createTaskRunner } from '../../worker/task.ts'
import { hungModule } from '../codec/hung.ts'
import { encodePng } from '../images/encode.ts'
import { uniqueImage } from '../images/noise.ts'
import { openStage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'
import { ended, openWorker, runnerOf, submit } from './workshop.ts'

t.test('while the storage is away tasks are handed back, uncounted', async t => {
  const { stage } = await openWorker(t, {}, undefined, 1)
  await stage.end('storage')
  await stage.database.ask.newTask({ id: 9 })
  await waitFor(
    'a second attempt',
    async () => ((await stage.database.ask.getById({ id: 9 })).attempt ?? 0) >= 2,
    30_000,
  )
  t.match(await stage.database.ask.getById({ id: 9 }), { errors: 0, losses: 0 })
})

t.test('a request that gets to the storage broken costs a task no attempt', async t => {
  const stage = await openStage(t)
  const { ask } = stage.storage
  let broken = 0
  const sendImage: typeof ask.sendImage = (query, options) => {
    if (broken === 4) return ask.sendImage(query, options)
    broken += 1
    return Promise.reject(new ServiceError('bad-request', 'Bad Request.'))
  }
  const storage = { ...stage.storage, ask: { ...ask, sendImage } }
  const run = createTaskRunner({ ...runnerOf(stage), storage })
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  const id = await submit(stage, uniqueImage(1))
  t.match(await ended(stage, id), { state: 2, attempt: 5, errors: 0, losses: 0 })
})

t.test('while the disk takes no results tasks are handed back, uncounted', async t => {
  const stage = await openStage(t)
  const id = await submit(stage, uniqueImage(1))
  t.teardown(() => armFailpoints(''))
  armFailpoints('storage.file.written=error')
  const run = createTaskRunner(runnerOf(stage))
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  await waitFor(
    'a fourth attempt',
    async () => ((await stage.database.ask.getById({ id })).attempt ?? 0) >= 4,
  )
  armFailpoints('')
  t.match(await ended(stage, id), { state: 2, errors: 0, losses: 0 })
})

t.test('while the disk gives no uploads tasks are handed back, uncounted', async t => {
  const { stage } = await openWorker(t, {}, undefined, 1)
  t.teardown(() => armFailpoints(''))
  armFailpoints('storage.file.found=error')
  const id = await submit(stage, uniqueImage(1))
  await waitFor(
    'a fourth attempt',
    async () => ((await stage.database.ask.getById({ id })).attempt ?? 0) >= 4,
  )
  armFailpoints('')
  t.match(await ended(stage, id), { state: 2, errors: 0, losses: 0 })
})

t.test('an upload that cannot be read for too long fails its task, with the reason', async t => {
  const stage = await openStage(t)
  t.teardown(() => armFailpoints(''))
  armFailpoints('storage.file.found=error')
  const id = await submit(stage, uniqueImage(1))
  const run = createTaskRunner({ ...runnerOf(stage), uploadMs: 1_200 })
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  t.match(await ended(stage, id), { state: 3, reason: 'The upload cannot be read.' })
})

t.test('while there is no thread to be had tasks are handed back, uncounted', async t => {
  const stage = await openStage(t)
  let tries = 0
  const { swap } = runnerOf(stage)
  const run = createTaskRunner({
    ...runnerOf(stage),
    // As Node says it (ERR_WORKER_INIT_FAILED): see no-descriptors.test.ts.
    async *swap(input) {
      tries += 1
      if (tries < 5) throw Object.assign(new Error('no thread'), { code: 'ERR_WORKER_INIT_FAILED' })
      yield* swap(input)
    },
  })
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  const id = await submit(stage, uniqueImage(1))
  t.match(await ended(stage, id), { state: 2, attempt: 5, errors: 0, losses: 0 })
})

t.test(
  'a swap that hangs is ended, costs its task an attempt each time, and fails it in the end',
  async t => {
    const entry = resolve('dist/codec/job.js')
    const limits = { maxPixels: 1e8, maxBytes: 5e7 }
    const threads = openThreads({ entry, module: await hungModule(), limits, count: 1, limitMs: 1_000 })
    t.teardown(() => threads.close())
    const stage = await openStage(t)
    const run = createTaskRunner({ ...runnerOf(stage), swap: threads.swap })
    const pool = openPool({ database: stage.database, instance: 'w', threads: 2, run, log: silent })
    t.teardown(() => pool.drain())
    const id = await submit(stage, encodePng({ width: 64, height: 64, colourType: 6, bitDepth: 8, seed: 1 }))
    const task = await ended(stage, id)
    t.match(task, { state: 3, errors: 3, reason: 'the swap took more than 1 s' })
  },
)

t.test('a result that two implementations disagree about fails its task at once', async t => {
  const stage = await openStage(t)
  const run = createTaskRunner({ ...runnerOf(stage), isTrusted: async () => false })
  const pool = openPool({ database: stage.database, instance: 'w', threads: 1, run, log: silent })
  t.teardown(() => pool.drain())
  const id = await submit(stage, uniqueImage(1))
  t.match(await ended(stage, id), { state: 3, reason: /two implementations of the swap disagree/ })
  await t.rejects(stage.master.ask.get({ id }), { code: 'unprocessable' })
})
