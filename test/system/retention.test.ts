import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { request } from 'undici'
import type { Task } from '../../database/contract.ts'
import { ready } from '../../frontend/contract.ts'
import type { StoredImage } from '../../storage/contract.ts'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { endAsks } from './asks.ts'
import { startSystem } from './system.ts'
import { upload } from './visitor.ts'
import { waitFor } from './waiting.ts'

const RETENTION_MS = 2_000
const ORPHAN_MS = 1_000
const env = {
  RETENTION_MS: String(RETENTION_MS),
  ORPHAN_MS: String(ORPHAN_MS),
  SWEEP_MS: '200',
}
/** How far a file's time may lie behind the clock, in ms. */
const FILE_CLOCK_MS = 20
/** Uploads that wait while there is no worker, and that come while there is one. */
const WAITING = 40
const LOADED = 200
const VISITORS = 6

t.setTimeout(240_000)

async function ask(url: string, method: 'GET' | 'POST' | 'DELETE' = 'GET', body?: Buffer) {
  const answer = await request(url, { method, ...(body !== undefined && { body }) })
  const bytes = Buffer.from(await answer.body.arrayBuffer())
  return { status: answer.statusCode, headers: answer.headers, bytes, text: bytes.toString('utf8').trim() }
}

type Urls = Readonly<Record<'frontend' | 'master' | 'storage' | 'database', string>>

const tasksOf = async ({ database }: Urls) =>
  (JSON.parse((await ask(`${database}/changes`)).text) as { tasks: Task[] }).tasks
const imagesOf = async ({ storage }: Urls, state: 'working' | 'finished') =>
  JSON.parse((await ask(`${storage}/images?state=${state}`)).text) as StoredImage[]

/** Stores an image without a task, and resolves once it is gone, which tells that a sweep has passed; fails when that came too early. */
async function sweepPasses(t: Test, urls: Urls, id: number) {
  const storedAt = Date.now()
  const sent = await ask(`${urls.storage}/sendImage?id=${id}&state=working`, 'POST', uniqueImage(id))
  t.equal(sent.status, 200)
  const isGone = async () => (await ask(`${urls.storage}/getImage?id=${id}&state=working`)).status === 404
  await waitFor('an orphan is swept', isGone)
  t.ok(Date.now() - storedAt >= ORPHAN_MS - FILE_CLOCK_MS, 'no orphan goes while it is young')
}

/** Looks at a task until it is ready and its result was read; says what became of it. */
function fetchInTime({ frontend }: Urls, id: string, image: Buffer): Promise<string> {
  // It had not ended when it was last seen to wait.
  let waitedAt = performance.now()
  return waitFor(`task ${id} done`, async () => {
    const askedAt = performance.now()
    const { status, text } = await ask(`${frontend}/isReady?id=${id}`)
    if (status === 200 && text !== ready) {
      waitedAt = askedAt
      return undefined
    }
    const result = status === 200 ? await ask(`${frontend}/getImage?id=${id}`) : { status, bytes: image }
    if (result.status === 200)
      return differences(image, result.bytes).length === 0 ? 'readable' : 'another picture'
    if (result.status !== 404) return `refused with ${result.status}: ${text}`
    return performance.now() - waitedAt < RETENTION_MS ? 'gone too early' : 'asked for too late'
  })
}

/** Reads the upload of every task that waits or runs, all the time; gives how many were read, and those that were not there. */
function probeUploads(urls: Urls) {
  let isOver = false
  let probes = 0
  const missing: string[] = []
  const probe = async () => {
    while (!isOver) {
      const seenAt = performance.now()
      for (const { id, state } of (await tasksOf(urls)).filter(({ state }) => state < 2)) {
        const { status } = await ask(`${urls.storage}/getImage?id=${id}&state=working`)
        // Whatever waited then has ended since at the earliest.
        if (performance.now() - seenAt > RETENTION_MS) break
        probes += 1
        if (status !== 200) missing.push(`${id} in state ${state}: ${status}`)
      }
    }
  }
  const probing = probe()
  return async () => {
    isOver = true
    await probing
    return { probes, missing }
  }
}

t.test(
  `with a retention of ${RETENTION_MS / 1_000} s nothing that is needed goes, and everything else does`,
  async t => {
    const system = await startSystem(t, { env, counts: { master: 2 } })
    const { urls } = system
    await system.kill('worker', 'SIGINT')
    const endProbing = probeUploads(urls)
    const images = new Map<string, Buffer>()
    const send = async (seed: number) => {
      const image = uniqueImage(seed)
      const { id, status, text } = await upload(urls.frontend, image)
      if (id === undefined) throw new Error(`an upload was refused: ${status} ${text}`)
      images.set(id, image)
      return { id, image }
    }

    for (let seed = 0; seed < WAITING; seed++) await send(seed)
    // One runs, longer than anything is kept, with its result stored and not said to be done.
    const grant = JSON.parse((await ask(`${urls.master}/getNewTask?worker=test`, 'POST')).text)
    const held = `id=${grant.id}&token=${grant.token}`
    const isOld = async () => {
      await ask(`${urls.master}/renewTask?${held}`, 'POST')
      return (await tasksOf(urls)).every(({ ageMs = 0 }) => ageMs > RETENTION_MS + ORPHAN_MS)
    }
    const result = `id=${grant.id}&state=finished&attempt=${grant.attempt}`
    const bytes = images.get(String(grant.id)) ?? Buffer.alloc(0)
    await ask(`${urls.storage}/sendImage?${result}`, 'POST', bytes)
    await waitFor('all are older than anything is kept', isOld)
    await sweepPasses(t, urls, 1)
    t.equal((await tasksOf(urls)).length, WAITING, 'no task that waits or runs is gone')
    t.equal((await imagesOf(urls, 'working')).length, WAITING, 'nor its upload')
    t.equal((await imagesOf(urls, 'finished')).length, 1, 'nor a result that is not yet said to be done')

    t.equal((await ask(`${urls.master}/registerTaskFinished?${held}`, 'POST')).status, 200)
    await system.start('worker')
    const outcomes: string[] = []
    const waiting = [...images].filter(([id]) => id !== String(grant.id))
    for (const outcome of await Promise.all(waiting.map(([id, image]) => fetchInTime(urls, id, image))))
      outcomes.push(outcome)

    let seed = WAITING
    const visit = async () => {
      while (seed < WAITING + LOADED) {
        const { id, image } = await send(seed++)
        outcomes.push(await fetchInTime(urls, id, image))
      }
    }
    const orphans = async () => {
      for (let id = 2; id < 6; id++) await sweepPasses(t, urls, id)
    }
    await Promise.all([orphans(), ...Array.from({ length: VISITORS }, visit)])
    const { probes, missing } = await endProbing()

    const count = (outcome: string) => outcomes.filter(one => one === outcome).length
    const isFine = (outcome: string) => outcome === 'readable' || outcome === 'asked for too late'
    t.same(
      outcomes.filter(outcome => !isFine(outcome)),
      [],
    )
    t.ok(count('readable') > 0)
    t.same(missing, [], 'a task that waits or runs has its upload')
    t.ok(probes > 0)
    const servedByDatabase = async () => JSON.parse((await ask(`${urls.database}/health`)).text).served
    t.equal((await servedByDatabase())['/newTask'], images.size)
    await endAsks(urls.master, [urls.worker])
    await waitFor('each was finished', async () => (await servedByDatabase())['/finishTask'] === images.size)

    await waitFor('all tasks are gone', async () => (await tasksOf(urls)).length === 0)
    for (const state of ['working', 'finished'] as const)
      await waitFor(`nothing is ${state}`, async () => (await imagesOf(urls, state)).length === 0)
    t.same(readdirSync(join(system.dataDir, 'storage', 'incoming')), [])
    const health = async () => JSON.parse((await ask(`${urls.storage}/health`)).text)
    await waitFor('nothing counts any more', async () => (await health()).bytes === 0)
    t.comment(
      `${images.size} uploads acknowledged and finished, ${count('readable')} results read, ${count('asked for too late')} asked for too late, ${probes} probes of uploads, ${missing.length} missed`,
    )
  },
)
