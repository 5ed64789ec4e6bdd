import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import t, { type Test } from 'tap'
import { isRunning } from '../../scripts/process-id.ts'
import { waitFor } from '../system/waiting.ts'
import { call, findPlace, type Place, tableOf } from './script.ts'

const inOrder = 'frontend, worker, master, storage, database, kv-store'

/** Takes a port of 127.0.0.1 for the length of a test. */
function occupy(t: Test, port: number): Promise<void> {
  const server = createServer()
  t.teardown(() => server.close())
  return new Promise(resolve => server.listen(port, '127.0.0.1', resolve))
}

/** True when nothing listens on any of the place's ports. */
async function isEmpty({ env, frontend }: Place): Promise<boolean> {
  const ports = [...Object.values(env), new URL(frontend).port]
  const tries = ports.map(
    port =>
      new Promise<boolean>(resolve => {
        const server = createServer().once('error', () => resolve(false))
        server.listen(Number(port), '127.0.0.1', () => server.close(() => resolve(true)))
      }),
  )
  return (await Promise.all(tries)).every(isFree => isFree)
}

t.test('a start in the foreground shows where everything is, says what ends, and stops in order', async t => {
  const place = await findPlace(t)
  const start = place.start('--workers', '2')
  await tableOf(start, place)
  const names = start.lines().map(line => line.split(' ')[0])
  for (const name of ['kv-store', 'database', 'storage', 'master', 'worker', 'worker-2', 'frontend'])
    t.ok(names.includes(name), name)
  for (const { pid } of place.run()?.started ?? [])
    t.match(
      readFileSync(`/proc/${pid}/stat`, 'latin1'),
      new RegExp(`\\) \\S ${start.pid} ${pid} `),
      'a group of its own',
    )

  const smoke = call('smoke.sh', [place.frontend])
  t.equal(await smoke.status, 0, smoke.said())

  start.signal('SIGINT')
  t.equal(await start.status, 0)
  t.equal(start.lines().at(-1)?.replace(' worker-2,', ''), `stopped: ${inOrder}`)
  t.ok(await isEmpty(place))
  t.equal(place.run(), undefined)
})

t.test(
  '--detach returns when all is ready; two systems run beside each other; stop-all ends one, also after a kill -9',
  async t => {
    const folder = t.testdir({ one: {}, two: {} })
    const places = [await findPlace(t, `${folder}/one`), await findPlace(t, `${folder}/two`)] as const
    const starts = places.map(place => ({ place, start: place.start('--detach') }))
    for (const { place, start } of starts) {
      t.equal(await start.status, 0, start.said())
      t.match(start.lines().at(-1), `${place.frontend}/`)
      const smoke = call('smoke.sh', [place.frontend])
      t.equal(await smoke.status, 0, smoke.said())
    }

    const [one, two] = places
    const second = one.start()
    t.equal(await second.status, 1)
    const { pid } = one.run()?.supervisor ?? {}
    t.same(second.lines(), [
      `start-all: the system with the data in ${one.dataDir} runs already (process ${pid})`,
    ])

    const stop = one.stop()
    t.equal(await stop.status, 0)
    t.same(stop.lines(), ['stopped'])
    t.match(readFileSync(`${one.dataDir}/logs/start-all.log`, 'utf8'), `stopped: ${inOrder}\n`)
    t.ok(await isEmpty(one))
    const again = one.stop()
    t.equal(await again.status, 0)
    t.same(again.lines(), [`nothing runs with data in ${one.dataDir}`])

    const { started = [], supervisor } = two.run() ?? {}
    t.equal(started.filter(isRunning).length, 6, 'the other one runs on')
    process.kill(supervisor?.pid ?? 0, 'SIGKILL')
    const next = two.start()
    t.equal(await next.status, 1)
    t.equal(next.lines().length, 1)
    t.match(next.said(), `kv-store: port ${two.env.KV_STORE_PORT} of 127.0.0.1 is in use`)
    t.match(next.said(), 'scripts/stop-all.sh ends them')
    t.equal(started.filter(isRunning).length, 6, 'what the kill left runs on')
    const clear = two.stop()
    t.equal(await clear.status, 0)
    t.same(clear.lines(), [`stopped what was left: ${inOrder}`])
    t.notOk(started.some(isRunning))
  },
)

t.test('a port in use is one line and a status, and nothing is left running', async t => {
  for (const flags of [[], ['--detach']]) {
    const place = await findPlace(t)
    await occupy(t, Number(place.env.MASTER_PORT))
    const start = place.start(...flags)
    t.equal(await start.status, 1)
    t.same(start.lines(), [`start-all: master: port ${place.env.MASTER_PORT} of 127.0.0.1 is in use`])
    t.equal(place.run(), undefined)
  }
})

t.test('a service that refuses its settings says why, and the others are ended again', async t => {
  const place = await findPlace(t)
  const start = call('start-all.sh', ['--data', place.dataDir, '--port', new URL(place.frontend).port], {
    ...place.env,
    MAX_PIXELS: 'many',
  })
  t.equal(await start.status, 1)
  t.match(start.lines(), [/^start-all: \w+: MAX_PIXELS is not a whole number$/])
  t.equal(start.lines().length, 1)
  t.ok(await isEmpty(place))
})

t.test('wrong flags are one line and status 2', async t => {
  for (const args of [['--prot', '80'], ['--workers', 'many'], ['here']]) {
    const start = call('start-all.sh', args)
    t.equal(await start.status, 2)
    t.equal(start.lines().length, 1)
  }
  t.equal(await call('stop-all.sh', ['--now']).status, 2)
  const help = call('start-all.sh', ['--help'])
  t.equal(await help.status, 0)
  t.match(help.said(), '--workers N')
})

t.test('a second Ctrl-C ends everything at once, also what does not listen', async t => {
  const place = await findPlace(t)
  const start = place.start()
  await tableOf(start, place)
  const started = place.run()?.started ?? []
  const frontend = started.find(({ name }) => name === 'frontend')
  process.kill(frontend?.pid ?? 0, 'SIGSTOP')
  start.signal('SIGINT')
  await waitFor('it stops', () => start.said().includes('stopping'))
  start.signal('SIGINT')
  t.equal(await start.status, 1)
  await waitFor('all are gone', () => !started.some(isRunning))
  t.equal(place.run(), undefined)
})

t.test('what is made for a system nobody but its user may read', async t => {
  const place = await findPlace(t)
  const start = place.start()
  await tableOf(start, place)
  const smoke = call('smoke.sh', [place.frontend])
  t.equal(await smoke.status, 0, smoke.said())
  const made = readdirSync(place.dataDir, { recursive: true, encoding: 'utf8' })
  const open = made.filter(name => (statSync(`${place.dataDir}/${name}`).mode & 0o077) !== 0)
  t.same(open, [])
  t.ok(made.some(name => name.startsWith('storage/finished/')) && made.includes('database/tasks.db'))
  start.signal('SIGINT')
  t.equal(await start.status, 0)
})

const hasIpv6 = Object.values(networkInterfaces()).some(all => all?.some(({ address }) => address === '::1'))

t.test('a system may be on an IPv6 address', { skip: !hasIpv6 && 'there is no ::1' }, async t => {
  const place = await findPlace(t)
  const port = new URL(place.frontend).port
  const env = { ...place.env, WORKER_PORT: '0', HOST: '::1' }
  const start = call('start-all.sh', ['--data', place.dataDir, '--port', port], env)
  t.teardown(async () => {
    start.signal('SIGINT')
    await start.status
  })
  await waitFor('the table', () => start.said().includes(`http://[::1]:${port}/\n`), 90_000)
  const smoke = call('smoke.sh', [`http://[::1]:${port}`])
  t.equal(await smoke.status, 0, smoke.said())
})
