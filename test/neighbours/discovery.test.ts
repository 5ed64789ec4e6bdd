import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { uniqueImage } from '../images/noise.ts'
import { freePorts } from '../system/ports.ts'
import { scaled } from '../system/scale.ts'
import { type Name, startSystem } from '../system/system.ts'
import { upload } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { entering, entriesOf, keys } from './entries.ts'
import { faultsOf, keepUploading, type Upload, uploadMany } from './job.ts'
import { startRecorder } from './recorder.ts'

const TTL_MS = 10_000
const AWAY_MS = scaled(60_000, 5_000)
const CHANGES = scaled(200, 40)
const IMAGES = scaled(200, 20)
/** Uploads while there is no storage: they wait for up to 5 s, and may be refused. */
const EARLY = 4

t.setTimeout(600_000)

const system = await startSystem(t, { counts: { worker: 2 } })
const entries = entriesOf(system)
const ms = (time: number) => `${Math.round(time)} ms`

/** Under which `host:port` a process is entered. */
const addressOf = (name: Name) => `${system.urls[name]}`.replace('http://', '')

/** The entry of a process, while it stands. */
const entryOf = async (name: Name, key: string) =>
  (await entries.all(key)).find(({ value }) => value === addressOf(name))

/** Who stands under the key of a service. */
const standing = async (service: keyof typeof keys) =>
  (await entries.all(keys[service])).map(({ value, instance }) => `${value} ${instance}`).sort()

t.test('the entry of a killed service ends with its time to live', async t => {
  const key = keys.worker
  const killedAt = performance.now()
  await system.kill('worker-2')
  const left = (await entryOf('worker-2', key))?.expiresInMs ?? Number.NaN
  const seenAt = performance.now()
  const hear = async () => {
    for (let since = 0; ; ) {
      const { revision, entries: now } = await entries.watch(key, since, TTL_MS / 1_000 + 2)
      if (
        now.every(({ value }) => value !== addressOf('worker-2')) ||
        performance.now() - killedAt > TTL_MS + 2_000
      )
        return performance.now() - killedAt
      since = revision
    }
  }
  const hearing = hear()
  await waitFor('its entry gone', async () => (await entryOf('worker-2', key)) === undefined, TTL_MS + 2_000)
  const goneAt = performance.now()
  const heardMs = await hearing
  const livedMs = TTL_MS - left + goneAt - seenAt
  t.ok(goneAt - killedAt <= TTL_MS + 1_000, 'gone from /getAll')
  t.ok(heardMs <= TTL_MS + 1_000, 'and whoever watches is told')
  t.ok(livedMs >= TTL_MS - 500 && livedMs <= TTL_MS + 1_000, 'neither sooner nor later than it was said')
  t.comment(
    `killed: gone from /getAll ${ms(goneAt - killedAt)} after the kill, told by /watch after ${ms(heardMs)}; ${ms(livedMs)} after the last renewal`,
  )
})

t.test('whoever watches a key is told of a change within 50 ms', async t => {
  const times: number[] = []
  const heard: string[] = []
  let { revision: since } = await entries.watch('someAddress', 0, 0)
  for (let change = 1; change <= CHANGES; change += 1) {
    const told = entries
      .watch('someAddress', since, 10)
      .then(answer => ({ ...answer, at: performance.now() }))
    // Once this is answered, the question that was sent before it is held.
    await entries.all('someAddress')
    const value = `127.0.0.1:${change}`
    const setAt = performance.now()
    await entries.enter('someAddress', { value, instance: 'some-one', ttl: 60 })
    const answer = await told
    heard.push(...answer.entries.map(entry => entry.value))
    since = answer.revision
    times.push(answer.at - setAt)
  }
  t.same(
    heard,
    Array.from({ length: CHANGES }, (_, at) => `127.0.0.1:${at + 1}`),
    'each change, once',
  )
  times.sort((a, b) => a - b)
  const [median = Number.NaN, worst = Number.NaN] = [times[Math.floor(CHANGES / 2)], times.at(-1)]
  t.ok(median < 50, 'median')
  // Others use the processors as well: a single answer may be kept waiting by them.
  t.ok(worst < 250, 'worst')
  t.comment(
    `/watch, ${CHANGES} changes, from sending /set: median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms (250 ms allowed, for noise; over 50 ms: ${times.filter(time => time >= 50).length})`,
  )
})

t.test('on SIGTERM an entry is gone at once, before its process ends', async t => {
  const leave = async (name: keyof typeof keys) => {
    const before = await entryOf(name, keys[name])
    t.ok(before, `${name} is entered`)
    const at = performance.now()
    const ended = system.kill(name, 'SIGTERM')
    await waitFor(`${name} gone`, async () => (await entryOf(name, keys[name])) === undefined)
    const goneMs = performance.now() - at
    t.ok(system.pids()[name], `${name} runs on`)
    t.ok(goneMs < 500, `${name} is gone at once`)
    t.same(await ended, { status: 0, signal: null }, name)
    return `${name} ${ms(goneMs)} (ended after ${ms(performance.now() - at)})`
  }
  t.comment(`SIGTERM, until the entry was gone: ${(await Promise.all(entering.map(leave))).join(', ')}`)
  await system.startAll()
})

let before: string[][] = []

t.test(`while the kv-store is away for ${AWAY_MS / 1_000} s nobody notices`, async t => {
  before = await Promise.all(entering.map(standing))
  const counts = before.map(({ length }) => length)
  t.same(counts, [1, 1, 1, 2, 1], 'all are entered')
  const endUploading = keepUploading(system, 10_000)
  await system.kill('kv-store')
  await delay(AWAY_MS)
  const { count, faults } = await endUploading()
  t.notOk(system.pids()['kv-store'], 'it was away')
  t.same(faults, [], 'every upload was taken in and came back right')
  t.ok(count > AWAY_MS / 1_000, 'there was something to lose')
  t.comment(`kv-store away for ${AWAY_MS / 1_000} s: ${count} uploads, ${faults.length} failed or wrong`)
})

t.test('started again empty, the kv-store knows everybody within 5 s, and nobody notices', async t => {
  const endUploading = keepUploading(system, 2_000_000)
  rmSync(join(system.dataDir, 'kv-store'), { recursive: true })
  const at = performance.now()
  await system.start('kv-store')
  const readyMs = performance.now() - at
  const back = await Promise.all(
    entering.map(async (service, place) => {
      await waitFor(`${service} back`, async () => `${await standing(service)}` === `${before[place]}`)
      return { service, afterMs: performance.now() - at }
    }),
  )
  for (const { service, afterMs } of back) t.ok(afterMs - readyMs < 5_000, service)
  const { count, faults } = await endUploading()
  t.same(faults, [], 'every upload was taken in and came back right')
  const each = back.map(({ service, afterMs }) => `${service} ${ms(afterMs)}`).join(', ')
  t.comment(
    `kv-store started empty: ready after ${ms(readyMs)}; entered again after: ${each}; ${count} uploads`,
  )
})

t.test('what is not the storage it was entered as, or is dead, is never sent anything', async t => {
  const other = await startRecorder(t, { service: 'master', instance: 'storage-1' })
  const stranger = await startRecorder(t, { service: 'storage', instance: 'storage-of-others' })
  const nobody = await startRecorder(t)
  const recorders = { other, stranger, nobody }
  const [dead] = await freePorts(1)
  const values = [other.value, stranger.value, nobody.value, `127.0.0.1:${dead}`]
  for (const [at, value] of values.entries())
    await entries.enter(keys.storage, { value, instance: `storage-${at + 1}`, ttl: 60 })

  const uploads = await uploadMany(system, IMAGES, 3_000_000)
  // What waits while the true one is away would go to any other that is believed.
  await system.kill('storage')
  const early = Array.from({ length: EARLY }, async (_, at) => {
    const image = uniqueImage(4_000_000 + at)
    return { image, ...(await upload(system.urls.frontend, image)) }
  })
  await system.start('storage')
  const waited = (await Promise.all(early)).flatMap(({ id, image }) =>
    id === undefined ? [] : { id, image },
  )
  uploads.push(...waited)

  const look = (sent: Upload) => faultsOf(system, sent, false).catch(error => [String(error)])
  const faults = await Promise.all(uploads.map(look))
  t.same(faults.flat(), [], 'every upload came back right')
  for (const [name, { asked }] of Object.entries(recorders)) {
    t.ok(asked.length > 0, `${name} was found`)
    t.same(
      asked.filter(question => question !== 'GET /health'),
      [],
      `${name} was asked who it is, and nothing else`,
    )
  }
  const questions = Object.entries(recorders).map(([name, { asked }]) => `${name} ${asked.length}`)
  t.comment(
    `${IMAGES} uploads beside four wrong entries, and ${waited.length} of ${EARLY} while storage started: ${faults.flat().length} wrong; /health asked of: ${questions.join(', ')}; anything else: 0`,
  )
})
