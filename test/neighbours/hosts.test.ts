import t, { type Test } from 'tap'
import { request } from 'undici'
import { portSettings } from '../../scripts/services.ts'
import { uniqueImage } from '../images/noise.ts'
import { stateOf } from '../system/visitor.ts'
import type { Asked, Told } from './asking.ts'
import { type HostName, type Hosts, SECRET, startHosts } from './hosts.ts'
import { faultsOf, uploadMany } from './job.ts'
import { openNetwork } from './namespace.ts'

const IMAGES = 4
const authorization = `Bearer ${SECRET}`
/** The services that others send data to, each with a route that whoever has the secret may ask. */
const routes = {
  'kv-store': '/list',
  database: '/list',
  storage: '/images?state=working',
  master: '/changes',
} as const
const guarded = Object.keys(routes) as (keyof typeof routes)[]

t.setTimeout(300_000)

const network = openNetwork()
const hosts = 'missing' in network ? undefined : await startHosts(t, network)
const skip = 'missing' in network && network.missing

/** A test of what the hosts promise; left out, with the reason, where there can be none. */
const test = (promise: string, show: (t: Test, hosts: Hosts) => Promise<void>) =>
  t.test(promise, { skip }, t => show(t, hosts as Hosts))

let seed = 0
/** Takes images through the frontend of a host, there and back. */
async function doJob(t: Test, { process }: Hosts, host: HostName): Promise<void> {
  const site = { urls: { frontend: process('frontend', host).url } }
  const first = seed
  seed += IMAGES
  const uploads = await uploadMany(site, IMAGES, first)
  const faults = await Promise.all(uploads.map(upload => faultsOf(site, upload, false)))
  t.same(faults.flat(), [], `${IMAGES} images are right through the frontend on host ${host}`)
  const states = await Promise.all(uploads.map(({ id }) => stateOf(site.urls.frontend, id)))
  t.same(new Set(states), new Set(['ready']), 'and a master says so')
}

/** Sends requests from host two to each guarded service on host one. */
async function askFromTwo({ address, run }: Hosts, headers: Asked['headers']): Promise<Told[]> {
  const asked = guarded.map(service => ({
    url: `http://${address(service, 'one')}${routes[service]}`,
    headers,
  }))
  const { stdout, stderr } = await run('two', ['dist/test/neighbours/asking.js', JSON.stringify(asked)])
  if (stderr !== '') throw new Error(stderr)
  return JSON.parse(stdout)
}

/** What the storage on host one holds. */
async function listUploads({ process }: Hosts): Promise<number[]> {
  const url = `${process('storage', 'one').url}/images?state=working`
  const { body } = await request(url, { headers: { authorization } })
  return ((await body.json()) as { id: number }[]).map(({ id }) => id)
}

test('a master, a worker and a frontend on another host do their part', async (t, hosts) => {
  const url = `${hosts.process('kv-store', 'one').url}/getAll?key=masterAddress`
  const { body } = await request(url, { headers: { authorization } })
  const entries = (await body.json()) as { value: string }[]
  const expected = [hosts.address('master', 'one'), hosts.address('master', 'two')]
  t.same(entries.map(({ value }) => value).sort(), expected.sort(), 'both masters are known')
  await Promise.all([doJob(t, hosts, 'one'), doJob(t, hosts, 'two')])
})

test('the worker on the other host does all tasks when it is the only one', async (t, hosts) => {
  await hosts.process('worker', 'one').kill('SIGINT')
  await Promise.all([doJob(t, hosts, 'one'), doJob(t, hosts, 'two')])
})

test('each frontend goes on with the master that is left, on its host or on the other', async (t, hosts) => {
  for (const host of ['one', 'two'] as const) {
    const master = hosts.process('master', host)
    await master.kill('SIGKILL')
    await Promise.all([doJob(t, hosts, 'one'), doJob(t, hosts, 'two')])
    await master.start()
  }
})

test('an inner service tells nothing to another host that has no secret, or a wrong one', async (t, hosts) => {
  const statusesWith = async (headers: Asked['headers']) =>
    (await askFromTwo(hosts, headers)).map(([status]) => status)
  const all = (status: number) => guarded.map(() => status)
  const strangers = [{}, { authorization: 'Bearer of another one' }, { authorization }]
  t.same(await Promise.all(strangers.map(statusesWith)), [all(401), all(403), all(200)])
})

test('an inner service answers to its own Host alone, also with the secret', async (t, hosts) => {
  const headers = { authorization, host: 'verdigris.example:80' }
  for (const [at, [status, said]] of (await askFromTwo(hosts, headers)).entries()) {
    t.equal(status, 403, guarded[at] ?? '')
    t.equal(said, 'Error: This service does not answer to that Host.')
  }
})

test('data is not sent to a host that ALLOWED_HOSTS does not name', async (t, hosts) => {
  const [host = ''] = hosts.address('master', 'two').split(':')
  const master = await hosts.start('master', 'two', 3_103, { ALLOWED_HOSTS: host })
  const before = await listUploads(hosts)
  const { statusCode, body } = await request(`${master.url}/new`, {
    method: 'POST',
    headers: { authorization },
    body: uniqueImage(seed++),
  })
  t.equal(statusCode, 503)
  t.match(await body.text(), /service cannot be reached/)
  for (const service of ['storage', 'database'])
    t.match(master.log(), `an address of ${service} is not used: not in an allowed network`)
  t.same(await listUploads(hosts), before, 'nothing came')
  await master.kill('SIGINT')
})

test('an inner service that others could reach wants a secret before it starts', async (t, hosts) => {
  const inner = portSettings.filter(({ service }) => service !== 'frontend')
  const endings = inner.map(async ({ service, variable }) => {
    const [HOST = ''] = hosts.address(service, 'one').split(':')
    const ended = await hosts.run('one', [`dist/${service}/main.js`], { HOST, [variable]: '4000' })
    t.ok(ended.status, `${service} ends with a status that is not 0`)
    t.match(ended.stderr, /^[a-z-]+: .*SECRET.*\n$/, service)
    t.equal(ended.stdout, '', service)
  })
  await Promise.all(endings)
})
