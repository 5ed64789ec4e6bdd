import { hostname } from 'node:os'
import t from 'tap'
import { request } from 'undici'
import type { StatusReport } from '../../frontend/contract.ts'
import { buildWorker } from '../../worker/service.ts'
import { openBareServer } from '../kit/wire.ts'
import { identityOf, type Stage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'
import { type Opened, openFrontend } from './open.ts'

const json = { accept: 'application/json' }

async function getStatus({ url }: Opened, headers: Record<string, string> = {}) {
  const began = performance.now()
  const { statusCode, body } = await request(`${url}/status`, { headers })
  return { status: statusCode, text: await body.text(), tookMs: performance.now() - began }
}

/** The rows of the report, `service state`, and the report itself. */
async function getReport(opened: Opened) {
  const { status, text, tookMs } = await getStatus(opened, json)
  const { instances } = JSON.parse(text) as StatusReport
  return { status, tookMs, instances, states: instances.map(({ service, state }) => `${service} ${state}`) }
}

const enter = ({ registry }: Stage, key: string, value: string, instance: string) =>
  registry.set({ key, value, instance, ttl: 60 })

/** Lets the worker and the frontend stand in the kv-store as well. */
async function enterAll({ stage, port }: Opened) {
  const facts = { running: () => 0, steps: () => ({}), ended: () => 0, opinions: () => ({}) }
  const worker = buildWorker({ identity: identityOf('worker'), guard: { secrets: [] }, facts })
  await enter(stage, 'workerAddress', await stage.listen(worker), 'worker-here')
  await enter(stage, 'frontendAddress', `127.0.0.1:${port}`, 'frontend-here')
  return worker
}

const services = ['kv-store', 'database', 'storage', 'master', 'worker', 'frontend']
const allUp = services.map(service => `${service} up`)

t.test('every service is shown, and what is not ready is not up', async t => {
  const opened = await openFrontend(t)
  await enterAll(opened)
  const report = await waitFor('all are up', async () => {
    const found = await getReport(opened)
    return `${found.states}` === `${allUp}` && found
  })
  const { master } = opened.stage.urls
  const row = { address: master.replace('http://', ''), instance: 'master-here', version: '0' }
  t.match(report.instances[3], row)
  opened.stage.apps.master.isReady = false
  await waitFor('the master is not ready', async () =>
    (await getReport(opened)).states.includes('master not ready'),
  )
})

t.test('a browser gets a page that looks again by itself, and no markup from elsewhere', async t => {
  const opened = await openFrontend(t)
  await enter(opened.stage, 'workerAddress', '<b>bold</b>', 'worker-1')
  const text = await waitFor('the worker is known', async () => {
    const page = await getStatus(opened)
    t.equal(page.status, 200)
    return page.text.includes('bold') && page.text
  })
  t.match(text, /http-equiv="refresh"/)
  for (const service of services)
    t.match(text, new RegExp(`<th role="rowheader" scope="row">${service}<td role="cell"`))
  t.match(text, /&#60;b&#62;bold/)
  t.notMatch(text, /<b>|<script>/)
})

t.test('what hangs is slow, what is gone or somebody else is away, and nobody is held up', async t => {
  const opened = await openFrontend(t)
  const { stage } = opened
  await enterAll(opened)
  await waitFor('all are up', async () => `${(await getReport(opened)).states}` === `${allUp}`)
  const silent = await openBareServer(t, () => {})
  await enter(stage, 'masterAddress', silent.address, 'master-2')
  await stage.end('database')
  await enter(stage, 'storageAddress', stage.urls.master.replace('http://', ''), 'storage-2')
  const expected: [service: string, state: string, address: string, note: string][] = [
    ['master', 'slow', silent.address, 'no answer within 100 ms'],
    ['database', 'away', stage.urls.database.slice(7), 'cannot be reached'],
    ['storage', 'away', stage.urls.master.slice(7), 'somebody else answers there'],
  ]
  await waitFor('three are not up, the others are', async () => {
    const { status, tookMs, instances } = await getReport(opened)
    t.equal(status, 200)
    t.ok(tookMs < 1_000, `${tookMs} ms`)
    const away = instances.filter(({ state }) => state !== 'up')
    return (
      away.length === 3 &&
      expected.every(([service, state, address, note]) =>
        away.some(
          row =>
            row.service === service && row.state === state && row.address === address && row.note === note,
        ),
      )
    )
  })
})

t.test('the queue is shown: its numbers, the last hour, what failed and who has what', async t => {
  const opened = await openFrontend(t)
  await enterAll(opened)
  const { database } = opened.stage
  for (const id of [1, 2, 3]) await database.ask.newTask({ id })
  const { token = '' } = (await database.ask.getNewTask({ worker: 'w1' })) ?? {}
  await database.ask.failTask({ id: 1, token, retry: 0, steps: '12.3456' }, { body: 'It is <b>broken</b>.' })
  await database.ask.getNewTask({ worker: '<i>w2</i>' })
  const overview = await waitFor('the overview', async () => {
    const { text } = await getStatus(opened, json)
    return (JSON.parse(text) as StatusReport).overview
  })
  t.match(overview, { waiting: 1, paused: 0, running: 1, failed: 1 })
  t.match(overview.minutes.at(-1), { made: 3, failed: 1 })
  t.match(overview.held, [{ id: 2, worker: '<i>w2</i>' }])
  const { text } = await getStatus(opened)
  t.match(text, /<dt>Waiting<dd>1</)
  t.match(text, /It is &#60;b&#62;broken/)
  t.match(
    text,
    /made 1 second ago; waited [0-9]+ ms, fetched in 12 ms, swapped in 3.5 s; failed 1 second ago/,
  )
  t.match(text, /action="\/tryAgain\?id=1"/)
  t.match(text, /&#60;i&#62;w2/)
  t.equal(text.match(/<svg viewBox/g)?.length, 4)
  await opened.stage.end('database')
  const without = await getStatus(opened)
  t.equal(without.status, 200)
  t.match(without.text, /Nobody says how the queue stands/)
})

t.test('a worker says what it is at, and a storage what room it has', async t => {
  const opened = await openFrontend(t)
  const facts = {
    running: () => 2,
    steps: () => ({ fetching: 0, swapping: 2 }),
    ended: () => 7,
    opinions: () => ({}),
  }
  const worker = buildWorker({ identity: identityOf('worker'), guard: { secrets: [] }, facts })
  await enter(opened.stage, 'workerAddress', await opened.stage.listen(worker), 'worker-here')
  const { text } = await waitFor('the worker is up', async () => {
    const found = await getStatus(opened)
    return found.text.includes('2 swapping') && found.text.includes('GB free') && found
  })
  t.match(text, /2 under way, 2 swapping, 7 ended/)
  t.match(text, /of images, [0-9.]+ GB free/)
})

t.test('a service of which there is none is away', async t => {
  const opened = await openFrontend(t)
  const last = await waitFor('the kv-store has said so', async () => {
    const { instances } = await getReport(opened)
    return instances.at(-1)?.state !== 'unknown' && instances.at(-1)
  })
  t.match(last, { service: 'frontend', state: 'away', note: 'none is known' })
})

t.test('without the kv-store there is a page, about all who were known', async t => {
  const opened = await openFrontend(t)
  await enterAll(opened)
  await waitFor('all are up', async () => `${(await getReport(opened)).states}` === `${allUp}`)
  await opened.stage.end('kv-store')
  const found = await waitFor('it alone is away', async () => {
    const report = await getReport(opened)
    t.equal(report.status, 200)
    t.ok(report.tookMs < 1_000, `${report.tookMs} ms`)
    return `${report.states}` === `${['kv-store away', ...allUp.slice(1)]}` && report
  })
  t.equal(found.instances.length, services.length)

  const blind = await openFrontend(t)
  await blind.stage.end('kv-store')
  const { status, states } = await getReport(blind)
  t.equal(status, 200)
  t.same(
    states,
    services.map(service => `${service} ${service === 'kv-store' ? 'away' : 'unknown'}`),
  )
  const page = await request(`${blind.url}/status`)
  t.match(await page.body.text(), />1 of 6 is not up\. Of 5 it is not known\.</)
})

t.test('services of the original system are up: they know no /health', async t => {
  const opened = await openFrontend(t)
  const original = await openBareServer(t, (_request, response) => response.writeHead(404).end('404\n'))
  await opened.stage.registry.set({ key: 'workerAddress', value: original.address })
  await waitFor('it is up', async () => {
    const { instances } = await getReport(opened)
    return instances.some(({ service, note }) => service === 'worker' && note === 'of the original system')
  })
})

t.test('addresses that are not allowed are shown, and never asked', async t => {
  const opened = await openFrontend(t)
  const bare = await openBareServer(t, (_request, response) => response.end())
  const port = bare.address.split(':')[1]
  const foreign = ['192.0.2.1:80', `${hostname()}.:${port}`, `${hostname()}:${port}`, `a@${bare.address}`]
  const values = [...foreign, `${bare.address}/x`, `http://${bare.address}`, `2130706433:${port}`]
  for (const [i, value] of values.entries()) await enter(opened.stage, 'workerAddress', value, `worker-${i}`)
  const workers = await waitFor('they are known', async () => {
    const { instances } = await getReport(opened)
    const found = instances.filter(({ service }) => service === 'worker')
    return found.length > 1 && found
  })
  t.same(workers.map(({ address }) => address).sort(), [...values].sort())
  for (const { note } of workers) t.match(note, /not asked/)
  t.same(bare.requests, [])
})

t.test(
  'without a secret it is there for this machine alone: not through a proxy, a web page, a wide socket',
  async t => {
    const opened = await openFrontend(t)
    const missing = await request(`${opened.url}/nowhere`)
    const refusal = { status: 404, text: await missing.body.text() }
    t.match(await getStatus(opened), { status: 200 })
    t.match(await getStatus(opened, { host: `localhost:${opened.port}` }), { status: 200 })
    for (const name of ['Forwarded', 'X-Forwarded-For', 'X-Real-IP', 'Via'])
      t.match(await getStatus(opened, { [name]: 'x' }), refusal, name)
    t.match(await getStatus(opened, { host: `evil.example:${opened.port}` }), refusal)
    t.match(await getStatus(opened, { origin: 'http://evil.example' }), refusal)
    const wide = await openFrontend(t, { host: '0.0.0.0' })
    t.match(await getStatus(wide), refusal)
  },
)

t.test('with a secret it is there for whoever shows it, from anywhere', async t => {
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const opened = await openFrontend(t, { host, secrets: ['the new secret', 'the old secret'] })
    for (const secret of ['the new secret', 'the old secret']) {
      const authorization = `Bearer ${secret}`
      t.match(await getStatus(opened, { authorization, via: 'x' }), { status: 200 })
      t.match(await getStatus(opened, { authorization: `${authorization}x` }), { status: 404 })
    }
    t.match(await getStatus(opened), { status: 404, text: 'Error: No such route.\n' })
  }
})
