import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { Failpoint } from '../../kit/failpoints.ts'
import type { Service } from '../../scripts/services.ts'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { type System, startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

const steps: Failpoint[] = ['storage.image.named', 'database.turn.settled', 'worker.task.finished']
/** From a pass on, so that the service gets to work first; for ever is three times, or the service's end. */
const actions = [
  { action: 'crash@5', times: 1 },
  { action: 'error@5*1', times: 1 },
  { action: 'error@5', times: 3 },
]
const VISITORS = 2
/** A visitor's pause between two uploads, in ms. */
const PAUSE_MS = 100
const env = { LEASE_MS: '2000' }

t.setTimeout(240_000)

/** Visitors who upload until they are told to end; gives which image each acknowledged id is of. */
function openVisits(frontend: string) {
  const acknowledged = new Map<string, number>()
  let sent = 0
  let isOver = false
  const visit = async () => {
    while (!isOver) {
      sent += 1
      const image = sent
      // Without an answer it is neither acknowledged nor lost: nobody was told.
      const { id } = await upload(frontend, uniqueImage(image)).catch(() => ({ id: undefined }))
      if (id !== undefined) acknowledged.set(id, image)
      await delay(PAUSE_MS)
    }
  }
  const visits = Array.from({ length: VISITORS }, visit)
  const end = async () => {
    isOver = true
    await Promise.all(visits)
  }
  return { acknowledged, end }
}

/** Starts the service of a step anew, to fail at it in every way; in the end it starts once more without. */
async function failAt(system: System, step: Failpoint): Promise<void> {
  const service = step.slice(0, step.indexOf('.')) as Service
  const failures = () => system.log(service).split(`failpoint ${step}: `).length
  for (const { action, times } of actions) {
    const before = failures()
    await system.kill(service)
    // One that fails while it starts is not ready.
    await system.start(service, `${step}=${action}`).catch(() => {})
    const hasFailed = () => failures() >= before + times || system.pids()[service] === undefined
    await waitFor(`${step}=${action}`, hasFailed)
    if (failures() === before) throw new Error(`${service} ended, and not by ${step}=${action}`)
  }
  await system.kill(service)
  await system.start(service)
}

t.test('what was acknowledged is not lost, whatever fails at three steps, however it fails', async t => {
  const system = await startSystem(t, { env, failpoints: {} })
  const { frontend } = system.urls
  const visits = openVisits(frontend)
  t.teardown(visits.end)
  for (const step of steps) {
    await failAt(system, step)
    const before = visits.acknowledged.size
    await waitFor('uploads go on', () => visits.acknowledged.size > before)
  }
  await visits.end()

  let lost = 0
  let wrong = 0
  for (const [id, image] of visits.acknowledged) {
    const outcome = await waitUntilDone(frontend, id).catch(error => ({ failed: String(error) }))
    if (outcome !== 'ready') {
      lost += 1
      t.comment(`${id}: ${outcome.failed}`)
    } else if (differences(uniqueImage(image), await fetchImage(frontend, id)).length > 0) wrong += 1
  }
  t.equal(lost, 0, 'acknowledged and lost')
  t.equal(wrong, 0, 'another picture, or a wrong one')
  t.comment(
    `${steps.length} failpoints x ${actions.length} ways: ${visits.acknowledged.size} uploads acknowledged, lost ${lost}, wrong ${wrong}`,
  )
})
