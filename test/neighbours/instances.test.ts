import { spawnSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { endAsks } from '../system/asks.ts'
import { isFull, scaled } from '../system/scale.ts'
import { whileStill } from '../system/still.ts'
import { type Name, startSystem } from '../system/system.ts'
import { fetchImage, stateOf, upload, waitUntilDone } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { startCrowd } from './crowd.ts'
import { type Health, healthOf, sharesOf } from './shares.ts'

/** Finished tasks over which the instances are compared. */
const TASKS = scaled(1_000, 200)
/** How far one of them may be from its share. */
const MOST_OFF = isFull ? 0.2 : 0.4
/** How long one that was killed is away, in ms. */
const AWAY_MS = scaled(6_000, 4_000)
/** How long one is held still before it is killed, in ms. */
const HELD_MS = 400
/** Within which the others carry on, in ms. */
const CARRY_ON_MS = 3_000

/** A worker's tasks are given out again soon after it was killed. */
const env = { LEASE_MS: '2000' }
const counts = { storage: 2, master: 3, worker: 4, frontend: 3 }

t.setTimeout(1_200_000)

const system = await startSystem(t, { env, counts })
const of = (service: string) => system.names.filter(name => name.replace(/-\d+$/, '') === service)
const urlOf = (name: Name) => system.urls[name] ?? ''
const frontends = of('frontend').map(urlOf)

/** How many `doMany` has done. */
let done = 0

/** Uploads images over all frontends, some at a time, and waits until each is right, and counted. */
async function doMany(count: number, firstSeed: number): Promise<string[]> {
  const wrong: string[] = []
  let seed = firstSeed
  const lane = async () => {
    while (seed < firstSeed + count) {
      const image = uniqueImage(seed++, { width: 16, height: 16 })
      const url = frontends[seed % frontends.length] ?? ''
      const { id = '' } = await upload(url, image)
      await waitUntilDone(url, id)
      wrong.push(...differences(image, await fetchImage(url, id)))
      await stateOf(url, id)
    }
  }
  await Promise.all(Array.from({ length: 16 }, lane))
  done += count
  await waitFor('all ends are answered', async () => {
    await endAsks(urlOf('master'), of('worker').map(urlOf))
    const { served } = await healthOf(urlOf('database'))
    return (served['/finishTask'] ?? 0) >= done
  })
  return wrong
}

t.test(`${TASKS} tasks are spread evenly over whoever is found through the kv-store`, async t => {
  let wrong: string[] = []
  const kinds = [
    { service: 'worker', says: 'tasks ended', count: ({ ended = 0 }: Health) => ended },
    {
      service: 'master',
      says: 'tasks told of',
      count: ({ served }: Health) => served['/getByIds'] ?? 0,
    },
    {
      service: 'storage',
      says: 'images stored',
      count: ({ served }: Health) => served['/sendImage'] ?? 0,
    },
    {
      service: 'storage',
      says: 'images read',
      count: ({ served }: Health) => served['/getImage'] ?? 0,
    },
  ]
  // Before they are compared everybody has found everybody.
  await doMany(48, 1_000_000)
  let work = async () => {
    wrong = await doMany(TASKS, 0)
  }
  const results: { says: string; service: string; found: number[] }[] = []
  for (const { service, says, count } of kinds) {
    const inner = work
    work = async () => {
      results.push({
        service,
        says,
        found: await sharesOf(of(service).map(urlOf), count, inner),
      })
    }
  }
  await work()
  t.same(wrong, [])
  for (const { service, says, found } of results) {
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length
    const off = Math.max(...found.map(value => Math.abs(value - mean) / mean))
    t.comment(
      `${found.length} x ${service}, ${says}: ${found.join(', ')}; at most ${(100 * off).toFixed(0)} % off`,
    )
    t.ok(mean >= TASKS / found.length, `${service}: ${says}`)
    t.ok(off <= MOST_OFF, `${service}: ${says}, ${off}`)
  }
})

t.test('each is killed and started in turn under load: nothing is lost, the others carry on', async t => {
  const anyFrontend = () => urlOf(of('frontend').find(name => name in system.pids()) ?? 'frontend')
  const crowd = startCrowd({ frontends, anyFrontend })
  const victims = ['storage', 'master', 'worker', 'frontend'].flatMap(service =>
    isFull ? of(service) : of(service).slice(-1),
  )
  for (const victim of victims) {
    // Held still for a moment first: what it is given meanwhile it surely holds when it is killed.
    const killedAt = await whileStill(system, victim, async () => {
      await delay(HELD_MS)
      const now = performance.now()
      await system.kill(victim)
      return now
    })
    await delay(AWAY_MS)
    const pauseMs = crowd.longestPause(killedAt)
    await system.start(victim)
    t.comment(`${victim} killed: the longest pause between two results ${Math.round(pauseMs)} ms`)
    t.ok(pauseMs <= CARRY_ON_MS, victim)
  }
  const { acknowledged, refused, lost } = await crowd.stop()
  t.same(lost, [])
  t.ok(acknowledged > 20 * victims.length)
  t.comment(
    `${victims.length} kills: ${acknowledged} acknowledged, ${refused} refused or unanswered, ${lost.length} lost or wrong`,
  )
})

t.test('a second database or kv-store over the same data refuses in one line', async t => {
  for (const service of ['database', 'kv-store']) {
    const env = {
      ...process.env,
      DATA_DIR: system.dataDir,
      [`${service === 'database' ? 'DATABASE' : 'KV_STORE'}_PORT`]: '0',
    }
    const { status, stderr } = spawnSync(process.execPath, [`dist/${service}/main.js`], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    })
    t.equal(status, 1)
    t.match(stderr, new RegExp(`^${service}: its data cannot be opened: another process has it open\n$`))
    t.comment(`second ${service} over the same data: ${stderr.trim()}`)
  }
})
