import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { Agent, request } from 'undici'
import { isRunning } from '../../scripts/process-id.ts'
import { uniqueImage } from '../images/noise.ts'
import { createAuthority, missing } from '../kit/authority.ts'
import { differences } from '../oracle/compare.ts'
import { fetchImage, upload, waitUntilDone } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { call, findPlace, type Place, tableOf } from './script.ts'

const services = ['kv-store', 'database', 'storage', 'master', 'worker', 'frontend']
const VISITORS = 3

const pidOf = (place: Place, name: string) =>
  place.run()?.started.findLast(started => started.name === name && isRunning(started))?.pid ?? 0

t.test('what is killed is started again, after a pause that grows; its port is where it was', async t => {
  const place = await findPlace(t)
  const start = place.start('--workers', '2')
  await tableOf(start, place)
  for (const name of [...services, 'worker-2']) {
    const pid = pidOf(place, name)
    process.kill(pid, 'SIGKILL')
    await waitFor(`${name} again`, () => ![0, pid].includes(pidOf(place, name)))
  }
  const smoke = call('smoke.sh', [place.frontend])
  t.equal(await smoke.status, 0, smoke.said())
  t.equal(
    start.lines().at(-1),
    `worker-2 ended by itself (SIGKILL) and is started again in 0.1 s: see ${place.dataDir}/logs/worker-2.log`,
  )
  for (const seconds of [0.2, 0.4]) {
    const pid = pidOf(place, 'worker')
    process.kill(pid, 'SIGKILL')
    await waitFor('the line', () =>
      start.said().includes(`worker ended by itself (SIGKILL) and is started again in ${seconds} s`),
    )
    await waitFor('another one', () => ![0, pid].includes(pidOf(place, 'worker')))
  }
  t.equal(place.run()?.started.filter(isRunning).length, 7)

  start.signal('SIGINT')
  t.equal(await start.status, 0)
  await delay(1_000)
  t.equal(place.run(), undefined, 'nothing comes back after the stop')
})

t.test('who connects while the frontend is dead waits, and is served', async t => {
  const place = await findPlace(t)
  const start = place.start()
  await tableOf(start, place)
  const agent = new Agent({ pipelining: 0 })
  t.teardown(() => agent.close())
  for (let round = 0; round < 3; round += 1) {
    process.kill(pidOf(place, 'frontend'), 'SIGKILL')
    await waitFor('its end', () => pidOf(place, 'frontend') === 0)
    const { statusCode, body } = await request(`${place.frontend}/`, { dispatcher: agent, reset: true })
    await body.dump()
    t.equal(statusCode, 200)
  }
  start.signal('SIGINT')
  t.equal(await start.status, 0)
})

t.test('--rolling replaces all, and no visitor notices', async t => {
  const place = await findPlace(t)
  const start = place.start('--workers', '2')
  await tableOf(start, place)
  const before = place.run()?.started ?? []
  const acknowledged = new Map<string, number>()
  const failures: string[] = []
  let isOver = false
  let sent = 0
  const visit = async () => {
    while (!isOver) {
      const image = sent++
      try {
        const { id, status, text } = await upload(place.frontend, uniqueImage(image))
        if (id === undefined) failures.push(`${status} ${text}`)
        else acknowledged.set(id, image)
      } catch (error) {
        failures.push(`${error} ${(error as Error).cause ?? ''}`)
      }
      await delay(5)
    }
  }
  const visitors = Array.from({ length: VISITORS }, visit)

  const rolling = call('start-all.sh', ['--rolling', '--data', place.dataDir])
  t.equal(await rolling.status, 0, rolling.said())
  isOver = true
  await Promise.all(visitors)
  t.comment(`${sent} uploads during a rolling restart, ${failures.length} failed`)
  t.same(failures, [])
  t.ok(acknowledged.size > 50, `${acknowledged.size} uploads`)
  for (const [id, image] of acknowledged) {
    t.equal(await waitUntilDone(place.frontend, id), 'ready')
    t.same(differences(uniqueImage(image), await fetchImage(place.frontend, id)), [])
  }

  t.notOk(before.some(isRunning), 'all are new')
  const after = place.run()?.started ?? []
  t.same(after.map(({ name }) => name).sort(), [...services, 'worker-2'].sort())
  t.ok(after.every(isRunning))
  for (const name of services) t.match(rolling.said(), new RegExp(`^${name} is process [0-9]+ now$`, 'm'))
  start.signal('SIGINT')
  t.equal(await start.status, 0)
})

t.test('--rolling where nothing runs is one line and a status', async t => {
  const place = await findPlace(t)
  const rolling = call('start-all.sh', ['--rolling', '--data', place.dataDir])
  t.equal(await rolling.status, 1)
  t.same(rolling.lines(), [`start-all: nothing runs with data in ${place.dataDir}`])
})

t.test(
  'a stop in the middle of --rolling stops everything, and the one who waits for it is told',
  async t => {
    const place = await findPlace(t)
    const start = place.start()
    await tableOf(start, place)
    const rolling = call('start-all.sh', ['--rolling', '--data', place.dataDir])
    await waitFor('the first', () => rolling.said().includes('database is process'))
    start.signal('SIGINT')
    t.equal(await rolling.status, 1)
    t.equal(rolling.lines().at(-1), 'start-all: the system was stopped meanwhile')
    t.equal(await start.status, 0)
    t.equal(place.run(), undefined)
    t.notMatch(start.said(), /ended by itself/)
  },
)

t.test('a frontend that was promised a socket and has none says so', async t => {
  const env = { ...process.env, LISTEN_FDS: '1', KV: '127.0.0.1:1' }
  const run = spawnSync(process.execPath, ['dist/frontend/main.js'], { env, encoding: 'utf8' })
  t.equal(run.status, 1)
  t.match(run.stderr, /^frontend: file descriptor 3 is no socket to listen on \(\w+\)\n$/)
})

t.test(
  '--rolling that brings up no new frontend leaves the old one where it is',
  { skip: missing },
  async t => {
    const place = await findPlace(t)
    const { cert, key } = createAuthority(t.testdir()).issue('page', { hosts: ['IP:127.0.0.1'] })
    const port = new URL(place.frontend).port
    const env = { ...place.env, PUBLIC_TLS_CERT: cert, PUBLIC_TLS_KEY: key }
    const start = call('start-all.sh', ['--data', place.dataDir, '--port', port], env)
    t.teardown(async () => {
      start.signal('SIGINT')
      await start.status
    })
    await waitFor('the table', () => start.said().includes(`https://127.0.0.1:${port}/\n`), 90_000)
    const before = pidOf(place, 'frontend')
    rmSync(cert)
    const rolling = call('start-all.sh', ['--rolling', '--data', place.dataDir])
    t.equal(await rolling.status, 1)
    t.match(rolling.lines().at(-1), /^start-all: frontend: PUBLIC_TLS_CERT /)
    t.equal(pidOf(place, 'frontend'), before)
    const agent = new Agent({ pipelining: 0, connect: { rejectUnauthorized: false } })
    t.teardown(() => agent.close())
    const { statusCode, body } = await request(`https://127.0.0.1:${port}/`, { dispatcher: agent })
    await body.dump()
    t.equal(statusCode, 200)
  },
)
