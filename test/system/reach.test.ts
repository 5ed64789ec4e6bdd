import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import type { Grant } from '../../database/contract.ts'
import { failpoints } from '../../kit/failpoints.ts'
import { portSettings } from '../../scripts/services.ts'
import { uniqueImage } from '../images/noise.ts'
import { type Failpoints, startSystem } from './system.ts'
import { upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

/** Times as short as they can be: leases are renewed and images swept while this runs. */
const env = { LEASE_MS: '1000', RETENTION_MS: '1000', ORPHAN_MS: '1000', SWEEP_MS: '1000' }
const noted = Object.fromEntries(portSettings.map(({ service }) => [service, '*=note'])) as Failpoints

t.setTimeout(120_000)

t.test('every failpoint lies on the way of what a system does', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
  t.teardown(() => rmSync(dataDir, { recursive: true, force: true }))
  const incoming = join(dataDir, 'storage', 'incoming')
  mkdirSync(incoming, { recursive: true })
  writeFileSync(join(incoming, 'left'), 'by a process that is no more')
  utimesSync(join(incoming, 'left'), 0, 0)

  // The first task is handed back, and renewed while that takes its second.
  const worker = `${noted.worker},worker.upload.fetched=error*1`
  const system = await startSystem(t, { dataDir, env, failpoints: { ...noted, worker } })
  const { frontend, master, storage } = system.urls
  const ask = async (url: string, method: 'POST' | 'DELETE', body?: Buffer) => {
    const answer = await request(url, { method, body: body ?? null })
    t.equal(answer.statusCode, 200, url)
    return answer.body.text()
  }

  await ask(`${system.urls['kv-store']}/set?key=a&value=1`, 'POST')
  await ask(`${system.urls['kv-store']}/remove?key=a`, 'DELETE')
  await ask(`${storage}/sendImage?id=1&state=working`, 'POST', uniqueImage(1))
  await ask(`${storage}/sendImage?id=2&state=finished&attempt=1`, 'POST', uniqueImage(2))
  const broken = uniqueImage(3)
  broken.fill(0, 8_000)
  const { id: fails = '' } = await upload(frontend, broken)
  t.match(await waitUntilDone(frontend, fails), { failed: /./ })
  const { id = '' } = await upload(frontend, uniqueImage(4))
  t.equal(await waitUntilDone(frontend, id), 'ready')
  await ask(`${master}/delete?id=${id}`, 'DELETE')
  // And who knows no other address than those of a master and of storage: an upload, and a worker.
  await system.kill('worker', 'SIGTERM')
  const image = uniqueImage(5)
  await ask(`${master}/new`, 'POST', image)
  const grant = JSON.parse(await ask(`${master}/getNewTask?worker=hand&wait=9`, 'POST')) as Grant
  const held = `id=${grant.id}`
  await ask(`${storage}/sendImage?${held}&state=finished&attempt=${grant.attempt}`, 'POST', image)
  await ask(`${master}/registerTaskFinished?${held}&token=${grant.token}`, 'POST')

  const missing = () => {
    const said = system.names.map(system.log).join('\n')
    return Object.keys(failpoints).filter(name => !new RegExp(`^failpoint ${name}: `, 'm').test(said))
  }
  await waitFor('every failpoint passed', () => missing().length === 0).catch(() => {})
  t.same(missing(), [])
})
