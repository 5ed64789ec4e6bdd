import { pino } from 'pino'
import { openMesh } from '../../kit/mesh.ts'
import { kvStoreContract } from '../../kv-store/contract.ts'
import { openSqliteKv } from '../../kv-store/engines/sqlite.ts'
import { buildKvStore } from '../../kv-store/service.ts'
import { createAuthorities, open, test } from './authority.ts'
import { buildToy, listen, toyContract } from './toy.ts'
import { until } from './wire.ts'

test('an entry without an instance is not used: an original speaks no TLS', async t => {
  const [own] = createAuthorities(t)
  const credentials = open(t, own.issue('all'))
  const identity = { service: 'kv-store', instance: 'kv-store-1', version: '0' }
  const options = { identity, guard: { secrets: [] }, serverCredentials: credentials }
  const kvStore = buildKvStore({ ...options, engine: openSqliteKv({ path: ':memory:' }) })
  t.teardown(() => kvStore.close())
  const toy = buildToy(t, {}, { serverCredentials: credentials })
  let requests = 0
  toy.server.on('request', () => {
    requests += 1
  })
  await kvStore.inject({ method: 'POST', url: `/set?key=toyAddress&value=${await listen(toy)}` })

  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: line => void lines.push(JSON.parse(line).msg) })
  const kv = await listen(kvStore)
  const registryContract = kvStoreContract
  const mesh = openMesh({ kv, registryContract, secrets: [], allowedHosts: [], log, credentials })
  t.teardown(() => mesh.close())
  const leaving = new AbortController()
  const answer = mesh.connect(toyContract).ask.byId({ id: 7 }, { signal: leaving.signal })
  answer.catch(() => {})
  await until('it is warned of', () => lines.length > 0)
  leaving.abort()
  await t.rejects(answer, { name: 'AbortError' })
  t.same(lines, ['an address of toy is not used: without an instance'])
  t.equal(requests, 0)
})
