import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import type { StatusReport } from '../../frontend/contract.ts'
import { portSettings, type Service } from '../../scripts/services.ts'
import { uniqueImage } from '../images/noise.ts'
import { type Authority, createAuthority, type Files, missing } from '../kit/authority.ts'
import { differences } from '../oracle/compare.ts'
import { freePorts } from './ports.ts'
import { createServiceProcess } from './process.ts'
import { type System, startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

const SECRET = 'a secret beside certificates'
const headers = { authorization: `Bearer ${SECRET}` }
const services = portSettings.map(({ service }) => service)
const inner = services.filter(service => service !== 'frontend')

interface Stage {
  readonly authority: Authority
  readonly files: Files
  /** What all services were told. */
  readonly env: Readonly<Record<string, string>>
  readonly system: System
}

async function openStage(): Promise<Stage> {
  const authority = createAuthority(t.testdir({}))
  const files = authority.issue('all')
  const env = { TLS_CERT: files.cert, TLS_KEY: files.key, TLS_CA: files.ca, SECRET }
  return { authority, files, env, system: await startSystem(t, { env }) }
}

t.setTimeout(300_000)

const stage = missing ? undefined : await openStage()

/** A test of a system that speaks TLS; left out, with the reason, where no certificates can be made. */
const test = (promise: string, show: (t: Test, stage: Stage) => Promise<void>) =>
  t.test(promise, { skip: missing }, t => show(t, stage as Stage))

const readAll = ({ cert, key, ca }: Files) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ca: readFileSync(ca),
})
const portOf = ({ urls }: System, service: Service) => Number(new URL(urls[service]).port)

async function doJob(t: Test, { urls }: System, seed: number): Promise<string> {
  const image = uniqueImage(seed)
  const { id = '' } = await upload(urls.frontend, image)
  t.equal(await waitUntilDone(urls.frontend, id), 'ready')
  t.same(differences(image, await fetchImage(urls.frontend, id)), [])
  return id
}

/** The status of an answer, or no answer. */
async function statusOf(t: Test, url: string, connect: object = {}): Promise<number | 'nothing'> {
  const dispatcher = new Agent({ connect })
  t.teardown(() => dispatcher.close())
  try {
    const { statusCode, body } = await request(url, { headers, dispatcher })
    await body.dump()
    return statusCode
  } catch {
    return 'nothing'
  }
}

test('six services do their job over TLS, and the status page sees all of them', async (t, { system }) => {
  await doJob(t, system, 1)
  const accept = 'application/json'
  const states = await waitFor('six are up', async () => {
    const { body } = await request(`${system.urls.frontend}/status`, { headers: { ...headers, accept } })
    const { instances } = (await body.json()) as StatusReport
    const found = instances.map(({ service, state }) => `${service} ${state}`)
    return found.every(row => row.endsWith(' up')) && found
  })
  t.same(states.sort(), services.map(service => `${service} up`).sort())
})

test('every inner service answers to a certificate of its authority, and to nothing less', async (t, stage) => {
  const { authority, files, system } = stage
  const ca = readFileSync(files.ca)
  const stranger = createAuthority(t.testdir({})).issue('stranger')
  for (const service of inner) {
    const at = `127.0.0.1:${portOf(system, service)}/health`
    t.equal(await statusOf(t, `http://${at}`), 'nothing', `${service}: plain`)
    t.equal(await statusOf(t, `https://${at}`, { ca }), 'nothing', `${service}: without a certificate`)
    t.equal(
      await statusOf(t, `https://${at}`, { ...readAll(stranger), ca }),
      'nothing',
      `${service}: another`,
    )
    t.equal(await statusOf(t, `https://${at}`, readAll(authority.issue('client'))), 200, service)
  }
})

test('what is missing, or does not fit, is one line, and nothing starts', async (t, stage) => {
  const { authority, files, env } = stage
  const elsewhere = authority.issue('elsewhere', { hosts: ['IP:127.0.0.9'] })
  const cases: [string[], object, RegExp][] = [
    [services, { TLS_CA: '' }, /^\S+: TLS_CERT, TLS_KEY and TLS_CA are set together, or none of them\n$/],
    [['storage'], { TLS_KEY: elsewhere.key }, /^\S+: TLS_CERT does not go with TLS_KEY\n$/],
    [
      ['worker'],
      { TLS_CERT: elsewhere.cert, TLS_KEY: elsewhere.key },
      /^\S+: TLS_CERT is not for 127\.0\.0\.1/,
    ],
    [['frontend'], { PUBLIC_TLS_CERT: files.cert }, /^frontend: PUBLIC_TLS_CERT and PUBLIC_TLS_KEY are set/],
  ]
  for (const [concerned, settings, why] of cases)
    for (const service of concerned) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [`dist/${service}/main.js`], {
        env: { PATH: process.env.PATH, DATA_DIR: t.testdir({}), ...env, ...settings },
        encoding: 'utf8',
        timeout: 20_000,
      })
      t.equal(status, 1, service)
      t.match(stderr, why)
      t.equal(stdout, '')
    }
})

test('a frontend with a certificate for the public speaks TLS to whoever comes', async (t, stage) => {
  const { authority, env, system } = stage
  const shown = authority.issue('public', { hosts: ['DNS:localhost'], usage: 'serverAuth' })
  const [port = 0] = await freePorts(1)
  const frontend = createServiceProcess({
    name: 'frontend-public',
    service: 'frontend',
    port,
    env: {
      ...process.env,
      ...env,
      KV: `127.0.0.1:${portOf(system, 'kv-store')}`,
      FRONTEND_PORT: String(port),
      PUBLIC_TLS_CERT: shown.cert,
      PUBLIC_TLS_KEY: shown.key,
    },
    logs: system.dataDir,
  })
  t.teardown(() => frontend.kill('SIGKILL'))
  await frontend.start()
  const id = await doJob(t, system, 2)
  const ca = readFileSync(shown.ca)
  t.equal(await statusOf(t, `https://localhost:${port}/getImage?id=${id}`, { ca }), 200)
  t.equal(await statusOf(t, `https://localhost:${port}/`, { ca, maxVersion: 'TLSv1.2' }), 200)
  t.equal(await statusOf(t, `http://localhost:${port}/`), 'nothing')
  t.equal(await statusOf(t, `https://localhost:${port}/`), 'nothing', 'to a visitor who does not believe it')
})

test('a certificate that was renewed is shown by all within seconds, without a restart', async (t, stage) => {
  const { authority, files, system } = stage
  const pids = system.pids()
  authority.issue('all')
  const { fingerprint256 } = new X509Certificate(readFileSync(files.cert))
  for (const service of inner)
    await waitFor(`${service} shows it`, async () => {
      const socket = connect({ ...readAll(files), host: '127.0.0.1', port: portOf(system, service) })
      await once(socket, 'secureConnect')
      const shown = socket.getPeerX509Certificate()?.fingerprint256
      socket.destroy()
      return shown === fingerprint256
    })
  await doJob(t, system, 3)
  t.same(system.pids(), pids)
})
