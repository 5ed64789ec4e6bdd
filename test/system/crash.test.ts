import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createRandom, uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { scaled } from './scale.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'

const ROUNDS = scaled(50, 3)
const VISITORS = 4
/** Leases as short as the volume asks for: a killed worker's tasks come back in seconds. */
const env = { LEASE_MS: '2000' }

t.setTimeout(ROUNDS * 20_000 + 300_000)

t.test(
  `${ROUNDS} times all six are killed in the middle of uploads: nothing that was acknowledged is lost or wrong`,
  async t => {
    const seed = Number(process.env.SEED ?? Date.now() % 1e6)
    const random = createRandom(seed)
    t.comment(`seed ${seed}`)
    const system = await startSystem(t, { env, counts: { worker: 2 } })
    const { frontend } = system.urls
    const acknowledged = new Map<string, number>()
    const counts = { sent: 0, refused: 0, unknown: 0 }
    let isOver = false

    const visit = async () => {
      while (!isOver) {
        const image = seed + counts.sent
        counts.sent += 1
        try {
          const { id } = await upload(frontend, uniqueImage(image))
          if (id === undefined) counts.refused += 1
          else acknowledged.set(id, image)
        } catch {
          // Neither acknowledged nor lost: nobody was told.
          counts.unknown += 1
          await delay(20)
        }
      }
    }
    const visitors = Array.from({ length: VISITORS }, visit)

    for (let round = 0; round < ROUNDS; round += 1) {
      await delay(100 + random.below(900))
      await system.killAll('SIGKILL')
      await system.startAll()
    }
    isOver = true
    await Promise.all(visitors)

    let lost = 0
    let wrong = 0
    for (const [id, image] of acknowledged) {
      const outcome = await waitUntilDone(frontend, id, 60_000).catch(error => ({ failed: String(error) }))
      if (outcome !== 'ready') {
        lost += 1
        t.comment(`${id}: ${outcome.failed}`)
      } else if (differences(uniqueImage(image), await fetchImage(frontend, id)).length > 0) wrong += 1
    }
    t.ok(acknowledged.size >= ROUNDS, 'there was something to lose')
    t.equal(lost, 0, 'acknowledged and lost')
    t.equal(wrong, 0, 'another picture, or a wrong one')
    t.comment(
      `kills of all six: ${ROUNDS}; uploads: ${counts.sent} sent, ${acknowledged.size} acknowledged, ${counts.refused} refused, ${counts.unknown} without an answer; lost ${lost}, wrong ${wrong}`,
    )
  },
)
