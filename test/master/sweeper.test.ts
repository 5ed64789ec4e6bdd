import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { collect } from '../../kit/body.ts'
import { ServiceError } from '../../kit/errors.ts'
import { type Logger, silent } from '../../kit/log.ts'
import { openSweeper, type SweeperOptions } from '../../master/sweeper.ts'
import { createIntake } from '../../tasks/intake.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { openStage, type Stage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'

const image = { body: { data: Buffer.from('an image'), length: 8 } }
const HOUR = 3_600_000

type Links = Pick<Stage, 'database' | 'storage'>
type Tap = { teardown(close: () => void): void }

/** A sweeper that runs only when it is told to. */
function sweeperOf(t: Tap, links: Links, options: Partial<SweeperOptions>) {
  const { database, storage } = links
  const times = { retentionMs: HOUR, orphanMs: HOUR, everyMs: 1e9, firstMs: 1e9 }
  const sweeper = openSweeper({ log: silent, database, storage, ...times, ...options })
  t.teardown(() => sweeper.close())
  return sweeper
}

/** The same links, but before each call of that name reaches its service something else happens. */
function before<N extends keyof Links, C extends string & keyof Links[N]['ask']>(
  stage: Links,
  service: N,
  call: C,
  happen: () => Promise<unknown>,
): Links {
  const link = stage[service]
  const ask = link.ask as unknown as Record<string, (...told: unknown[]) => Promise<unknown>>
  const late = async (...told: unknown[]) => {
    await happen()
    return ask[call]?.(...told)
  }
  return { ...stage, [service]: { ...link, ask: { ...ask, [call]: late } } }
}

/** Makes a stored image look as if it had been written an hour ago. */
async function age({ folder }: Stage, name: string) {
  const then = new Date(Date.now() - HOUR)
  await utimes(join(folder, name), then, then)
}

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
  t.same(await sweeperOf(t, stage, { orphanMs: 0 }).sweep(), { tasks: 0, images: 0 })
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [['1.0'], ['1.1']])
})

t.test('images without a task go when they are old enough, and not before', async t => {
  const stage = await openStage(t)
  await stage.storage.ask.sendImage({ id: 1, state: 'working' }, image)
  await stage.storage.ask.sendImage({ id: 1, state: 'finished', attempt: 1 }, image)
  await sweeperOf(t, stage, {}).sweep()
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [['1.0'], ['1.1']])
  await sweeperOf(t, stage, { orphanMs: 0 }).sweep()
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [[], []])
})

t.test(
  'an old image among young ones goes, and storage is asked for no more than a thousand at once',
  async t => {
    const stage = await openStage(t)
    const ids = Array.from({ length: 2_100 }, (_, i) => i + 1)
    for (let at = 0; at < ids.length; at += 100)
      await Promise.all(
        ids.slice(at, at + 100).map(id => stage.storage.ask.sendImage({ id, state: 'working' }, image)),
      )
    await age(stage, 'working/2/2100')
    let asked = 0
    const links = before(stage, 'storage', 'images', async () => {
      asked += 1
    })
    t.same(await sweeperOf(t, links, {}).sweep(), { tasks: 0, images: 1 })
    // Three pages of the uploads, an empty one of the results.
    t.equal(asked, 4)
  },
)

t.test(
  'between two pages of images storage rests, and a sweep that is broken off is gone on with',
  async t => {
    const stage = await openStage(t)
    const young = { id: 1, attempt: 0, bytes: 1, ageMs: 0, name: '1' }
    const asked: number[] = []
    const places: string[] = []
    const images = async ({ state, after }: { state: string; after: string }) => {
      asked.push(performance.now())
      places.push(`${state} ${after}`)
      if ([2, 5].includes(asked.length)) throw new ServiceError('unavailable', 'The storage is away.')
      return asked.length % 3 === 1 ? Array.from({ length: 1_000 }, () => young) : []
    }
    const storage = { ...stage.storage, ask: { ...stage.storage.ask, images } }
    const sweeper = sweeperOf(t, { ...stage, storage }, {})
    for (let breaks = 0; breaks < 2; breaks++) await t.rejects(sweeper.sweep(), { code: 'unavailable' })
    await sweeper.sweep()
    t.same(places, ['working ', 'working 1', 'working 1', 'finished ', 'finished 1', 'finished 1'])
    const [first = 0, second = 0] = asked
    t.ok(second - first >= 900, `${second - first} ms`)
  },
)

t.test('tasks that are to go do not wait for the end of a sweep of images', async t => {
  const stage = await openStage(t)
  let asked = 0
  const links = before(stage, 'storage', 'images', async () => {
    asked += 1
    if (asked === 1) await new Promise(() => {})
  })
  sweeperOf(t, links, { retentionMs: 0, firstMs: 0, everyMs: 10 })
  await waitFor('a sweep of images', async () => asked > 0)
  await make(stage, 1, 'finishes')
  await waitFor('swept', async () => (await namesOf(stage, 'working')).length === 0)
  await t.rejects(stage.database.ask.getById({ id: 1 }), { code: 'not-found' })
})

t.test('of five hundred images one question is asked', async t => {
  const stage = await openStage(t)
  const ids = Array.from({ length: 501 }, (_, i) => i + 1)
  const make = async (id: number) => {
    await stage.storage.ask.sendImage({ id, state: 'working' }, image)
    await stage.database.ask.newTask({ id })
  }
  for (let at = 0; at < ids.length; at += 100) await Promise.all(ids.slice(at, at + 100).map(make))
  let asked = 0
  const links = before(stage, 'database', 'getByIds', async () => {
    asked += 1
  })
  t.same(await sweeperOf(t, links, { orphanMs: 0 }).sweep(), { tasks: 0, images: 0 })
  t.equal(asked, 2)
})

t.test('results of attempts that lost go, the one that counts stays', async t => {
  const stage = await openStage(t)
  await make(stage, 1, 'finishes')
  await stage.storage.ask.sendImage({ id: 1, state: 'finished', attempt: 7 }, image)
  await stage.storage.ask.sendImage({ id: 1, state: 'finished' }, image)
  await sweeperOf(t, stage, { orphanMs: 0 }).sweep()
  t.same(await namesOf(stage, 'finished'), ['1.1'])
})

t.test('two sweepers at once do no harm', async t => {
  const stage = await openStage(t)
  for (let id = 1; id <= 10; id += 1) await make(stage, id, id % 2 === 0 ? 'finishes' : 'runs')
  const sweepers = [1, 2].map(() => sweeperOf(t, stage, { retentionMs: 0, orphanMs: 0 }))
  await Promise.all(sweepers.map(sweeper => sweeper.sweep()))
  t.same((await namesOf(stage, 'working')).length, 5)
})

t.test('a task that is set back between the look at it and its deletion stays, with its images', async t => {
  const stage = await openStage(t)
  await make(stage, 1, 'fails')
  const links = before(stage, 'database', 'deleteTask', () =>
    stage.database.ask.setById({}, { body: { id: 1, state: 0 } }),
  )
  t.same(await sweeperOf(t, links, { retentionMs: 0, orphanMs: 0 }).sweep(), { tasks: 0, images: 0 })
  t.match(await stage.database.ask.getById({ id: 1 }), { state: 0 })
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [['1.0'], ['1.1']])
})

t.test('an upload whose task is made after it was looked for stays', async t => {
  const stage = await openStage(t)
  await stage.storage.ask.sendImage({ id: 1, state: 'working' }, image)
  const links = before(stage, 'database', 'deleteTask', () => stage.database.ask.newTask({ id: 1 }))
  t.same(await sweeperOf(t, links, { orphanMs: 0 }).sweep(), { tasks: 0, images: 0 })
  t.same(await namesOf(stage, 'working'), ['1.0'])
  t.match(await stage.database.ask.getById({ id: 1 }), { state: 0 })
})

t.test('an upload that was swept before its task was made is refused, and never becomes a task', async t => {
  const stage = await openStage(t)
  const sweeper = sweeperOf(t, stage, { orphanMs: 0 })
  const slow = before(stage, 'database', 'newTask', () => sweeper.sweep())
  const data = uniqueImage(1)
  const takeIn = createIntake({
    ...slow,
    service: 'master',
    maxPixels: 1e8,
    maxPixelsUnderWay: 1e9,
  })
  await t.rejects(takeIn({ data, length: data.length }), { code: 'unavailable' })
  t.same(await namesOf(stage, 'working'), [])
  t.same((await stage.database.ask.changes({ since: 0, wait: 0 })).tasks, [])
})

t.test('an image that is written anew while it is looked at stays', async t => {
  for (const [state, name] of [
    ['finished', 'finished/1/1.0'],
    ['working', 'working/1/1'],
  ] as const) {
    const stage = await openStage(t)
    const write = () => stage.storage.ask.sendImage({ id: 1, state }, image)
    await write()
    await age(stage, name)
    const links = before(stage, 'storage', 'deleteImage', write)
    await sweeperOf(t, links, { orphanMs: HOUR / 2 }).sweep()
    t.same(await namesOf(stage, state), ['1.0'], state)
  }
})

t.test('a result that is stored, but not yet said to be done, stays', async t => {
  const stage = await openStage(t)
  await stage.storage.ask.sendImage({ id: 1, state: 'working' }, image)
  await stage.database.ask.newTask({ id: 1 })
  const { token = '', attempt } = (await stage.database.ask.getNewTask({ worker: 'w', wait: 1 })) ?? {}
  await stage.storage.ask.sendImage({ id: 1, state: 'finished', attempt }, image)
  const links = before(stage, 'database', 'getByIds', () => stage.database.ask.finishTask({ id: 1, token }))
  await sweeperOf(t, stage, { retentionMs: 0, orphanMs: 0 }).sweep()
  t.same(await namesOf(stage, 'finished'), ['1.1'])
  await sweeperOf(t, links, { orphanMs: 0 }).sweep()
  t.same(await namesOf(stage, 'finished'), ['1.1'])
  await stage.master.ask.isReady({ id: 1 })
})

t.test(
  'results of a failed task stay as long as it does: an operator may still call it finished',
  async t => {
    const stage = await openStage(t)
    await make(stage, 1, 'fails')
    await sweeperOf(t, stage, { orphanMs: 0 }).sweep()
    await stage.database.ask.setById({}, { body: { id: 1, state: 2 } })
    await sweeperOf(t, stage, { orphanMs: 0 }).sweep()
    t.same(await namesOf(stage, 'finished'), ['1.1'])
  },
)

t.test('who reads a result while it is swept reads it to its end', async t => {
  const stage = await openStage(t)
  const bytes = largeImage(1, 20_000_000)
  await make(stage, 1, 'finishes')
  await stage.storage.ask.sendImage({ id: 1, state: 'finished' }, { body: { data: bytes } })
  const { data } = await stage.storage.ask.getImage({ id: 1, state: 'finished' })
  await sweeperOf(t, stage, { retentionMs: 0 }).sweep()
  t.same(await namesOf(stage, 'finished'), [])
  t.ok((Buffer.isBuffer(data) ? data : await collect(data, 1e9)).equals(bytes))
  await t.rejects(stage.master.ask.get({ id: 1 }), { code: 'not-found' })
})

t.test('what a broken sweep left behind goes with the next one', async t => {
  const stage = await openStage(t)
  await make(stage, 1, 'finishes')
  const links = before(stage, 'storage', 'deleteImage', async () => {
    throw new ServiceError('unavailable', 'The storage is away.')
  })
  await t.rejects(sweeperOf(t, links, { retentionMs: 0, orphanMs: 0 }).sweep(), { code: 'unavailable' })
  await t.rejects(stage.database.ask.getById({ id: 1 }), { code: 'not-found' })
  await sweeperOf(t, stage, { orphanMs: 0 }).sweep()
  t.same([await namesOf(stage, 'working'), await namesOf(stage, 'finished')], [[], []])
})

t.test(
  'a task that ended long ago is found behind a page of those that wait, and without images',
  async t => {
    const stage = await openStage(t)
    // A page of the feed is 1,000 tasks.
    const ids = Array.from({ length: 1_050 }, (_, at) => at + 1)
    for (let at = 0; at < ids.length; at += 50)
      await Promise.all(ids.slice(at, at + 50).map(id => stage.database.ask.newTask({ id })))
    await stage.database.ask.setById({}, { body: { id: 1_050, state: 3 } })
    t.same(await sweeperOf(t, stage, { retentionMs: 0 }).sweep(), { tasks: 1, images: 0 })
    await t.rejects(stage.database.ask.getById({ id: 1_050 }), { code: 'not-found' })
  },
)

t.test('it sweeps soon after its start, again and again, and no more once it is closed', async t => {
  const stage = await openStage(t)
  const sweeper = sweeperOf(t, stage, { orphanMs: 0, firstMs: 0, everyMs: 10 })
  for (const id of [1, 2]) {
    await stage.storage.ask.sendImage({ id, state: 'working' }, image)
    await waitFor('swept', async () => (await namesOf(stage, 'working')).length === 0)
  }
  sweeper.close()
  await stage.storage.ask.sendImage({ id: 3, state: 'working' }, image)
  await t.rejects(sweeper.sweep(), { name: 'AbortError' })
  const began = performance.now()
  // Ten times as long as it would rest.
  while (performance.now() - began < 100) t.same(await namesOf(stage, 'working'), ['3.0'])
})

t.test('a sweep that is broken off is tried again, and said only when that was not the first', async t => {
  const stage = await openStage(t)
  let looks = 0
  const warnings: string[] = []
  const log = { ...silent, info() {}, warn: (_: unknown, said: string) => warnings.push(said) }
  const database = {
    ...stage.database,
    async isOriginal() {
      looks += 1
      // The first and the second sweep of tasks, and those of images.
      if (looks < 5) throw new ServiceError('unavailable', 'The database is away.')
      return false
    },
  }
  await stage.storage.ask.sendImage({ id: 1, state: 'working' }, image)
  const options = { orphanMs: 0, firstMs: 0, everyMs: 1, log: log as unknown as Logger }
  sweeperOf(t, { ...stage, database }, options)
  await waitFor('swept', async () => (await namesOf(stage, 'working')).length === 0)
  t.same(warnings.sort(), [
    'a sweep of images was broken off; it is tried again',
    'a sweep of tasks was broken off; it is tried again',
  ])
})
