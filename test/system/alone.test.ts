import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { freePorts } from './ports.ts'
import { fetchImage, stateOf, upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

const SECRET = 'a secret for this test'
const services = ['kv-store', 'database', 'storage', 'master', 'worker', 'frontend']

interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

function run(service: string, places: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [`dist/${service}/main.js`, ...places], {
    env: { ...process.env, ...env },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', piece => {
    said.stdout += piece
  })
  child.stderr.on('data', piece => {
    said.stderr += piece
  })
  const ended = new Promise<Ended>(resolve => child.on('exit', status => resolve({ status, ...said })))
  return { child, ended }
}

async function isReady(port: number): Promise<true | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined)
  return answer?.ok && ((await answer.json()) as { ready: boolean }).ready ? true : undefined
}

interface Alone {
  /** Port of each service. */
  readonly ports: Readonly<Record<string, number>>
  /** Starts one more process; ended with the test. */
  start(service: string, places: string[], settings: Record<string, string>): ReturnType<typeof run>
}

/** Starts all six by hand, with the original's positional arguments. */
async function startAlone(t: Test, env: Record<string, string>): Promise<Alone> {
  const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const numbers = await freePorts(6)
  const start: Alone['start'] = (service, places, settings) => {
    const started = run(service, places, { ...settings, ...env, DATA_DIR: dataDir })
    t.teardown(async () => {
      started.child.kill('SIGINT')
      await started.ended
    })
    return started
  }
  const ports = Object.fromEntries(services.map((service, place) => [service, numbers[place] ?? 0]))
  const at = (service: string) => `127.0.0.1:${ports[service]}`
  const kv = at('kv-store')
  const places: Record<string, string[]> = {
    'kv-store': [],
    database: [at('database'), kv],
    storage: [at('storage'), kv],
    master: [at('master'), kv],
    worker: [kv, '3'],
    frontend: [kv],
  }
  const own = { KV_STORE_PORT: ports['kv-store'], WORKER_PORT: ports.worker, FRONTEND_PORT: ports.frontend }
  const settings = Object.fromEntries(Object.entries(own).map(([name, port]) => [name, String(port)]))
  for (const service of services) start(service, places[service] ?? [], settings)
  for (const service of services)
    await waitFor(`${service} ready`, () => isReady(ports[service] ?? 0), 60_000)
  return { ports, start }
}

t.setTimeout(300_000)

const { ports, start } = await startAlone(t, { SECRET })

t.test(
  'each starts alone with the places of the original and a secret, and strangers are told nothing',
  async t => {
    const frontend = `http://127.0.0.1:${ports.frontend}`
    const image = uniqueImage(8)
    const { id = '' } = await upload(frontend, image)
    t.equal(await waitUntilDone(frontend, id), 'ready')
    t.same(differences(image, await fetchImage(frontend, id)), [])
    for (const service of ['kv-store', 'database']) {
      const url = `http://127.0.0.1:${ports[service]}/list`
      t.equal((await fetch(url)).status, 401, service)
      t.equal((await fetch(url, { headers: { authorization: 'Bearer another one' } })).status, 403, service)
      t.equal((await fetch(url, { headers: { authorization: `Bearer ${SECRET}` } })).status, 200, service)
    }
  },
)

t.test(
  'several masters, workers and frontends run at once, and one that is killed is not missed',
  async t => {
    const kv = `127.0.0.1:${ports['kv-store']}`
    const [master = 0, worker = 0, frontend = 0] = await freePorts(3)
    const second = start('master', [`127.0.0.1:${master}`, kv], {})
    start('worker', [kv, '2'], { WORKER_PORT: String(worker) })
    start('frontend', [kv], { FRONTEND_PORT: String(frontend) })
    for (const port of [master, worker, frontend]) await waitFor(`${port} ready`, () => isReady(port), 60_000)

    const doOne = async (seed: number) => {
      const url = `http://127.0.0.1:${seed % 2 === 0 ? ports.frontend : frontend}`
      const image = uniqueImage(seed)
      const { id = '' } = await upload(url, image)
      t.equal(await waitUntilDone(url, id), 'ready')
      t.equal(await stateOf(url, id), 'ready')
      t.same(differences(image, await fetchImage(url, id)), [])
    }
    await Promise.all([1, 2, 3, 4, 5, 6].map(doOne))
    second.child.kill('SIGKILL')
    await second.ended
    await Promise.all([7, 8, 9, 10, 11, 12].map(doOne))
  },
)

t.test('--help prints every setting with its unit and default', async t => {
  const helps = await Promise.all(services.map(service => run(service, ['--help'], {}).ended))
  for (const [at, service] of services.entries()) {
    const { status, stdout } = helps[at] as Ended
    t.equal(status, 0, service)
    t.match(stdout, /_PORT +[0-9]+ +TCP port/, service)
    t.match(stdout, /LOG_LEVEL +info +level/, service)
  }
})

t.test(
  'a service that should listen beyond loopback wants a secret first, and says so in one line',
  async t => {
    for (const service of services.filter(service => service !== 'frontend')) {
      const { status, stdout, stderr } = await run(service, [], { HOST: '0.0.0.0', OWN: '127.0.0.1:1' }).ended
      t.not(status, 0, service)
      t.match(stderr, /^[a-z-]+: .*SECRET.*\n$/, service)
      t.equal(stdout, '', service)
    }
  },
)
