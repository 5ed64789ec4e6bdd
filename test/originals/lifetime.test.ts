import t from 'tap'
import type { Service } from '../../scripts/services.ts'
import type { ServiceProcess } from '../system/process.ts'
import { waitFor } from '../system/waiting.ts'
import { ask, post, says } from './answer.ts'
import { createOriginal, startOriginal } from './original.ts'
import { openRecorder } from './recorder.ts'
import { slowBody } from './slow.ts'

t.test('a process ends when an address that it needs is missing', async t => {
  const needs = {
    master: ['databaseAddress', 'storageAddress'],
    worker: ['masterAddress', 'storageAddress'],
    frontend: ['masterAddress'],
  }
  // An original kv-store says nothing of what it does not know, ours says 404 and why: it is the same to all.
  const silent = { status: 200, body: '' }
  const ours = { status: 404, body: 'there is no such key\n' }
  for (const [service, keys] of Object.entries(needs) as [Service, string[]][])
    for (const missing of keys)
      for (const said of service === 'frontend' ? [silent, ours] : [silent]) {
        const kv = await openRecorder(t, ({ line }) => (line.endsWith(missing) ? said : undefined))
        const original = await createOriginal(t, service, kv.address, '1')
        const ended = () => !original.isRunning()
        // A worker is believed to be ready as soon as it runs.
        if (service === 'worker') await original.start().catch(() => {})
        else await t.rejects(original.start(), { message: /ended before it was ready/ })
        await waitFor('its end', ended)
        t.match(original.log(), `${missing} is missing`, `${service} without ${missing}`)
      }
  const worker = await createOriginal(t, 'worker', '127.0.0.1:1', '1')
  await worker.start().catch(() => {})
  await waitFor('the end of one without a kv-store', () => !worker.isRunning())
})

t.test('a granted task goes back after its time, unless it has ended by then', async t => {
  const own = await startOriginal(t, 'kv-store')
  const { url } = await startOriginal(t, 'database', own.address, '200')
  const isBack = (id: number) => async () => /"state":0/.test((await ask(`${url}/getById?id=${id}`)).text)
  await post(`${url}/newTask`)
  await post(`${url}/newTask`)
  t.same(await post(`${url}/getNewTask`), says('{"id":0,"state":1}'))
  await waitFor('it is back', isBack(0))
  t.same(await post(`${url}/getNewTask`), says('{"id":0,"state":1}'), 'granted again')
  await post(`${url}/setById`, '{"id":0,"state":2}')
  t.same(await post(`${url}/getNewTask`), says('{"id":1,"state":1}'))
  await waitFor('the later one is back', isBack(1))
  t.same(await ask(`${url}/getById?id=0`), says('{"id":0,"state":2}'))
})

t.test('a kv-store and a database forget all when they end', async t => {
  const kv = await startOriginal(t, 'kv-store')
  const database = await startOriginal(t, 'database', kv.address)
  const entry = `${kv.url}/get?key=databaseAddress`
  await waitFor('its entry', async () => (await ask(entry)).text === database.address)
  await kv.kill('SIGKILL')
  await kv.start()
  t.same(await ask(entry), says(''))

  t.same(await post(`${database.url}/newTask`), says('0'))
  await database.kill('SIGKILL')
  await database.start()
  t.same(await ask(`${database.url}/list`), says(''))
  t.same(await post(`${database.url}/newTask`), says('0'))
})

t.test('none goes away in order: it ends in the middle of a request, and its address stays', async t => {
  const kv = await startOriginal(t, 'kv-store')
  const entries = async () => (await ask(`${kv.url}/list`)).text
  const originals: ServiceProcess[] = []
  let known = ''
  for (const service of ['storage', 'database', 'master', 'frontend'] as const) {
    const original = await startOriginal(t, service, kv.address)
    originals.push(original)
    if (service !== 'frontend') known += `${service}Address : ${original.address}\n`
    await waitFor(`${service} entered`, async () => (await entries()) === known)
  }

  const [storage] = originals
  const { body } = slowBody(Buffer.from('half'), Buffer.from(' and half'))
  const cut = t.rejects(post(`${storage?.url}/sendImage?id=0&state=working`, body))
  const part = `${storage?.url}/getImage?id=0&state=working`
  await waitFor('a part', async () => (await ask(part)).text === 'half')
  for (const original of originals)
    t.same(await original.kill('SIGTERM'), { status: null, signal: 'SIGTERM' }, original.name)
  await cut
  t.equal(await entries(), known)
})
