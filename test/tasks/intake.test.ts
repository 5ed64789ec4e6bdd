import t, { type Test } from 'tap'
import { databaseContract } from '../../database/contract.ts'
import { storageContract } from '../../storage/contract.ts'
import { createIntake } from '../../tasks/intake.ts'
import { uniqueImage } from '../images/noise.ts'
import { type Asked, openDouble, type Said } from './double.ts'

type Answer = (asked: Asked) => Said

const success: Said = { text: 'success' }

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
