import { once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { silent } from '../../kit/log.ts'
import { type Mesh, openMesh } from '../../kit/mesh.ts'
import { kvStoreContract } from '../../kv-store/contract.ts'
import { openSqliteKv } from '../../kv-store/engines/sqlite.ts'
import { buildKvStore } from '../../kv-store/service.ts'
import { buildToy, listen, portOf, toyContract } from './toy.ts'
import { openBareServer, until } from './wire.ts'

/** A kv-store that knows nothing yet, on a port of its own or where another one was. */
async function openKv(t: Test, port = 0, secrets: readonly string[] = []): Promise<FastifyInstance> {
  const engine = openSqliteKv({ path: ':memory:' })
  const identity = { service: 'kv-store', instance: 'kv-1', version: '0' }
  const app = buildKvStore({ engine, identity, guard: { secrets } })
  await app.listen({ host: '127.0.0.1', port })
  t.teardown(async () => {
    await app.close()
    await engine.close()
  })
  return app
}

function open(t: Test, kv: number | string, secrets: readonly string[] = []): Mesh {
  const address = typeof kv === 'number' ? `127.0.0.1:${kv}` : kv
  const mesh = openMesh({
    kv: address,
    registryContract: kvStoreContract,
    secrets,
    allowedHosts: [],
    log: silent,
  })
  t.teardown(() => mesh.close())
  return mesh
}

/** A toy that stands in the kv-store, and how it leaves. */
async function openToy(t: Test, kv: number, instance: string, secrets: readonly string[] = []) {
  const app = buildToy(t, { note: async () => instance }, { instance, guard: { secrets } })
  await listen(app)
  const mesh = open(t, kv, secrets)
  const registration = mesh.register({ key: 'toyAddress', host: '127.0.0.1', port: portOf(app), instance })
  t.teardown(() => registration.leave())
  await registration.standing
  return { app, registration }
}

const entriesOf = async (kv: FastifyInstance) => {
  const headers = { host: `localhost:${portOf(kv)}` }
  return (await kv.inject({ url: '/getAll?key=toyAddress', headers })).json() as { value: string }[]
}

t.test('whoever enters is found, whoever leaves is not asked any more', async t => {
  const kv = await openKv(t)
  const { ask } = open(t, portOf(kv)).connect(toyContract)
  const first = await openToy(t, portOf(kv), 'toy-1')
  t.equal(await ask.note({}, { body: '' }), 'toy-1')
  const second = await openToy(t, portOf(kv), 'toy-2')
  await until('both answer', async () => (await ask.note({}, { body: '' })) === 'toy-2')
  await first.registration.leave()
  t.equal((await entriesOf(kv)).length, 1, 'it is gone at once')
  const twice = async () => [await ask.note({}, { body: '' }), await ask.note({}, { body: '' })]
  await until('one alone answers', async () => (await twice()).every(name => name === 'toy-2'))
  await second.registration.leave()
  t.same(await entriesOf(kv), [])
})

t.test('a change is heard of by being told, not by asking again', async t => {
  const kv = await openKv(t)
  let looks = 0
  kv.server.on('request', request => {
    if (request.url?.startsWith('/watch')) looks += 1
  })
  const { ask } = open(t, portOf(kv)).connect(toyContract)
  await openToy(t, portOf(kv), 'toy-1')
  await ask.note({}, { body: '' })
  await openToy(t, portOf(kv), 'toy-2')
  await until('both answer', async () => (await ask.note({}, { body: '' })) === 'toy-2')
  t.ok(looks <= 4, `${looks} looks for two changes`)
})

t.test('with a secret everybody shows it, and is let in', async t => {
  const secrets = ['the new secret', 'the old secret']
  const kv = await openKv(t, 0, secrets)
  const { ask } = open(t, portOf(kv), secrets).connect(toyContract)
  await openToy(t, portOf(kv), 'toy-1', ['the old secret'])
  await t.rejects(ask.note({}, { body: '' }), { code: 'unavailable' }, 'it knows the old one alone')
  const other = open(t, portOf(kv), ['the old secret']).connect(toyContract)
  t.equal(await other.ask.note({}, { body: '' }), 'toy-1')
})

t.test('while the kv-store is away everything goes on; back and empty, it is full again in 5 s', async t => {
  const kv = await openKv(t)
  const port = portOf(kv)
  const { ask } = open(t, port).connect(toyContract)
  await openToy(t, port, 'toy-1')
  await openToy(t, port, 'toy-2')
  const answers = new Set<string>()
  const askOnce = async () => answers.add(await ask.note({}, { body: '' }))
  await until('both answer', async () => (await askOnce()).size === 2)

  let isOver = false
  let asked = 0
  const callers = (async () => {
    for (; !isOver; asked += 1) await askOnce()
  })()
  await kv.close()
  const before = asked
  await until('100 were asked without it', () => asked > before + 100)
  const again = await openKv(t, port)
  const began = performance.now()
  await until('both stand there again', async () => (await entriesOf(again)).length === 2)
  t.ok(performance.now() - began < 5_000)
  const since = asked
  await until('100 more were asked', () => asked > since + 100)
  isOver = true
  await callers
})

t.test('a kv-store that came back empty does not take away who was known', async t => {
  const kv = await openKv(t)
  const port = portOf(kv)
  const address = await listen(buildToy(t))
  const headers = { host: `localhost:${port}` }
  const url = `/set?key=toyAddress&value=${address}&instance=toy-1&ttl=60`
  await kv.inject({ method: 'POST', url, headers })
  const { ask } = open(t, port).connect(toyContract)
  await ask.byId({ id: 1 })
  await kv.close()
  const again = await openKv(t, port)
  let looks = 0
  again.server.on('request', request => {
    if (request.url?.startsWith('/watch')) looks += 1
  })
  await until('its emptiness has been heard of', () => looks >= 2)
  t.same(await ask.byId({ id: 7 }), { id: 7 })
})

t.test('a service that starts before the kv-store enters it as soon as it is there', async t => {
  const before = await openKv(t)
  const port = portOf(before)
  await before.close()
  const entering = openToy(t, port, 'toy-1')
  const { ask } = open(t, port).connect(toyContract)
  const answer = ask.note({}, { body: '' })
  await new Promise(setImmediate)
  const kv = await openKv(t, port)
  await entering
  t.equal((await entriesOf(kv)).length, 1)
  t.equal(await answer, 'toy-1')
})

/** The kv-store of the original system: four routes, one value a key, 404 elsewhere. */
async function openOriginalKv(t: Test) {
  const values = new Map<string, string>()
  const bare = await openBareServer(t, (request, response) => {
    request.resume()
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
    const key = searchParams.get('key') ?? ''
    if (pathname === '/get') return void response.end(values.get(key) ?? '')
    if (pathname === '/set') values.set(key, searchParams.get('value') ?? '')
    else if (pathname === '/remove') values.delete(key)
    else return void response.writeHead(404).end('404 page not found\n')
    response.end('success')
  })
  return { ...bare, values }
}

t.test('an original kv-store will do: entered as it can, asked by /get, never told to remove', async t => {
  const kv = await openOriginalKv(t)
  const app = buildToy(t)
  await listen(app)
  const mesh = open(t, kv.address)
  const registration = mesh.register({
    key: 'toyAddress',
    host: '127.0.0.1',
    port: portOf(app),
    instance: 'toy-1',
  })
  await registration.standing
  t.equal(kv.values.get('toyAddress'), `127.0.0.1:${portOf(app)}`)
  const { ask } = mesh.connect(toyContract)
  t.same(await ask.byId({ id: 7 }), { id: 7 })
  await registration.leave()
  t.notOk(kv.requests.some(request => request.includes('/remove')))
  t.equal(
    kv.values.get('toyAddress'),
    `127.0.0.1:${portOf(app)}`,
    'what stands there may be another’s by now',
  )
})

t.test('leaving does not wait for a kv-store that is away', async t => {
  const kv = await openKv(t)
  const { registration } = await openToy(t, portOf(kv), 'toy-1')
  const closed = once(kv.server, 'close')
  await kv.close()
  await closed
  const began = performance.now()
  await registration.leave()
  t.ok(performance.now() - began < 2_000)
})
