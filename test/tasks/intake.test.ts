import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { databaseContract } from '../../database/contract.ts'
import { type ErrorCode, ServiceError } from '../../kit/errors.ts'
import { storageContract } from '../../storage/contract.ts'
import { createIntake } from '../../tasks/intake.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { type Asked, openDouble, type Said } from './double.ts'

type Answer = (asked: Asked) => Said

const success: Said = { text: 'success' }
const wrongInput: Said = { status: 400, text: 'Error: Wrong input\n' }

/** Of ours, unless said. */
interface Behind {
  readonly database?: Answer
  readonly storage?: Answer
  readonly originalDatabase?: Answer
  readonly originalStorage?: Answer
}

/** A database makes the task it is asked for; whatever else there is says `success`. */
const makeTask: Answer = ({ line }) => ({ text: /newTask\?id=(\d+)/.exec(line)?.[1] ?? 'success' })

/** An intake before what the test puts behind it. */
async function openIntake(t: Test, behind: Behind) {
  const { database = makeTask, storage = () => success, originalDatabase, originalStorage } = behind
  const databases = originalDatabase
    ? await openDouble(t, databaseContract, 'original', originalDatabase)
    : await openDouble(t, databaseContract, 'ours', database)
  const storages = originalStorage
    ? await openDouble(t, storageContract, 'original', originalStorage)
    : await openDouble(t, storageContract, 'ours', storage)
  const takeIn = createIntake({
    service: 'frontend',
    database: databases.link,
    storage: storages.link,
    maxPixels: 1e8,
    maxPixelsUnderWay: 1e9,
  })
  return { takeIn, asked: databases.asked }
}

const upload = { data: uniqueImage(1) }
const sendAgain = { code: 'unavailable', message: 'Please send it once more.' }
const ends = (id: number) => ({ line: 'POST /setById', body: `{"id":${id},"state":2}` })

t.test(
  'an upload is refused when a database makes a task under another id than it was asked for',
  async t => {
    const { takeIn, asked } = await openIntake(t, {
      database: ({ line }) => (line.startsWith('POST /newTask') ? { text: '0' } : success),
    })
    await t.rejects(takeIn(upload), sendAgain)
    t.match(asked.at(-1), ends(0), 'and no worker sees that one')
  },
)

t.test('an upload whose task an original database has forgotten meanwhile is to be sent again', async t => {
  const { takeIn } = await openIntake(t, {
    originalDatabase: ({ line, body }) => {
      if (line === 'POST /newTask') return { text: '7' }
      return body.endsWith('"state":0}') ? wrongInput : success
    },
  })
  await t.rejects(takeIn(upload), sendAgain)
})

t.test('a storage or database that cannot do its part is away for who uploads, whatever it says', async t => {
  const statuses = [400, 401, 403, 404, 405, 409, 422, 500, 502]
  const refusals = statuses.map((status): Said => ({ status, text: 'Error: no\n' }))
  for (const said of [...refusals, { text: 'what is this' }])
    for (const place of ['storage', 'originalStorage', 'database', 'originalDatabase'] as const) {
      const { takeIn } = await openIntake(t, { [place]: () => said })
      const data = Readable.from([largeImage(1, 200_000)])
      await t.rejects(takeIn({ data }), { code: 'unavailable' }, `${place}: ${JSON.stringify(said)}`)
    }
})

t.test('what a storage or database says of room and load is passed on, with when to come back', async t => {
  const refusals: [number, ErrorCode][] = [
    [413, 'too-large'],
    [429, 'overloaded'],
    [503, 'unavailable'],
    [507, 'disk-full'],
  ]
  for (const [status, code] of refusals) {
    const refuse = () => ({ status, text: 'Error: as it was said\n', headers: { 'retry-after': '7' } })
    for (const behind of [{ storage: refuse }, { database: refuse }]) {
      const { takeIn } = await openIntake(t, behind)
      await t.rejects(takeIn(upload), { code, message: 'as it was said', retryAfterSeconds: 7 })
    }
  }
})

t.test('what was wrong with an upload itself stays what it is, while it travels, too', async t => {
  for (const code of ['bad-request', 'request-timeout', 'too-large'] as const) {
    const { takeIn } = await openIntake(t, {})
    const data = new Readable({ read() {} })
    data.push(largeImage(1, 200_000))
    const taken = takeIn({ data })
    setImmediate(() => data.destroy(new ServiceError(code, 'Of the visitor.')))
    await t.rejects(taken, { code, message: 'Of the visitor.' })
  }
})

t.test('a task of an original database that could not be hidden is ended', async t => {
  const { takeIn, asked } = await openIntake(t, {
    originalDatabase: ({ line, body }) => {
      if (line === 'POST /newTask') return { text: '7' }
      return body.endsWith('"state":1}') ? { status: 500, text: 'no' } : success
    },
  })
  await t.rejects(takeIn(upload), sendAgain)
  t.match(asked.at(-1), ends(7))
})

t.test('an original database is not asked twice for a task: it would make two', async t => {
  const { takeIn, asked } = await openIntake(t, { originalDatabase: () => 'nothing' })
  await t.rejects(takeIn(upload), { code: 'unavailable' })
  t.same(
    asked.map(({ line }) => line),
    ['POST /newTask'],
  )
})
