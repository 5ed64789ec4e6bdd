import t from 'tap'
import { request } from 'undici'
import { finished } from '../../database/contract.ts'
import { silent } from '../../kit/log.ts'
import { openPool, type Run } from '../../worker/pool.ts'
import { createRandom } from '../images/random.ts'
import { openStage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'

const WORKERS = 10
const TEXTS = 60

/** Words, separated by commas, and how many there are of each. */
function textOf(seed: number): { text: string; expected: Record<string, number> } {
  const random = createRandom(seed)
  const words = Array.from({ length: 50 }, () => ['red', 'green', 'blue', 'copper'][random.below(4)] ?? '')
  return { text: words.join(','), expected: countWords(words.join(',')) }
}

function countWords(text: string): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of text.split(',')) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

t.test(
  'one of ten workers gets each task, and does with it what it was made for: words are counted',
  async t => {
    const stage = await openStage(t, { leaseMs: 2_000 })
    const place = (id: number, state: string) => `${stage.urls.storage}/${state}Image?id=${id}`
    const texts = new Map(Array.from({ length: TEXTS }, (_, at) => [at + 1, textOf(at)]))
    for (const [id, { text }] of texts) {
      await request(`${place(id, 'send')}&state=working`, { method: 'POST', body: text })
      await stage.database.ask.newTask({ id })
    }

    const runs = Array.from({ length: WORKERS }, () => 0)
    const finishes = new Map<number, number>()
    let hasDied = false
    const work =
      (worker: number): Run =>
      async ({ id, attempt }, lease) => {
        runs[worker] = (runs[worker] ?? 0) + 1
        if (!hasDied) {
          // It neither renews nor says anything any more, as if its machine were gone.
          hasDied = true
          lease.close()
          return undefined
        }
        const { body } = await request(`${place(id, 'get')}&state=working`)
        const counted = JSON.stringify(countWords(await body.text()))
        const url = `${place(id, 'send')}&state=finished&attempt=${attempt}`
        await (await request(url, { method: 'POST', body: counted })).body.dump()
        void lease.finish().then(isHeard => isHeard && finishes.set(id, (finishes.get(id) ?? 0) + 1))
      }
    const pools = runs.map((_, worker) =>
      openPool({
        database: stage.database,
        instance: `w${worker}`,
        threads: 1,
        run: work(worker),
        log: silent,
      }),
    )
    const drain = () => Promise.all(pools.map(pool => pool.drain()))
    t.teardown(drain)

    const isFinished = async (id: number) => (await stage.database.ask.getById({ id })).state === finished
    await waitFor('all are counted', async () =>
      (await Promise.all([...texts.keys()].map(isFinished))).every(Boolean),
    )
    // Whoever finished the last ones is not answered before.
    await drain()
    for (const [id, { expected }] of texts) {
      const { body } = await request(`${place(id, 'get')}&state=finished`)
      t.same(await body.json(), expected)
      t.equal(finishes.get(id), 1)
    }
    const given = runs.reduce((sum, count) => sum + count, 0)
    t.ok(given > TEXTS, 'what the dead one had was given out again')
    t.notOk(runs.includes(0), 'each had some')
    t.comment(
      `${TEXTS} texts over ${WORKERS} workers: ${runs.join(', ')} runs; one died and lost its task to another`,
    )
  },
)
