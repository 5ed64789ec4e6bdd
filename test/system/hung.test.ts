import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'
import { hungBytes } from '../codec/hung.ts'
import { encodePng } from '../images/encode.ts'
import { differences } from '../oracle/compare.ts'
import { freePorts } from './ports.ts'
import { createServiceProcess } from './process.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

t.setTimeout(120_000)

/** A small image is swapped on the event loop: a module that hangs there hangs the whole process. */
const image = encodePng({ width: 64, height: 64, colourType: 6, bitDepth: 8, seed: 1 })

t.test(
  'a worker whose module hangs its event loop ends, its task loses an attempt, another does it',
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'verdigris-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    cpSync('dist', join(folder, 'dist'), { recursive: true })
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'))
    cpSync('package.json', join(folder, 'package.json'))
    writeFileSync(join(folder, 'dist', 'codec', 'codec.wasm'), await hungBytes())

    const system = await startSystem(t, { env: { LEASE_MS: '2000' } })
    await system.kill('worker')
    const [port = 0] = await freePorts(1)
    const kv = new URL(system.urls['kv-store']).host
    const worker = createServiceProcess({
      name: 'worker-hung',
      service: 'worker',
      port,
      program: [join(folder, 'dist', 'worker', 'main.js')],
      env: { ...process.env, KV: kv, WORKER_PORT: String(port), SWAP_TIMEOUT_MS: '1000' },
      logs: join(system.dataDir, 'logs'),
    })
    await worker.start()

    const { id = '' } = await upload(system.urls.frontend, image)
    await waitFor('the worker ended', () => !worker.isRunning())
    t.match(worker.log(), /the event loop has not got on for 1 s: the process ends/)
    t.match(worker.unasked, [/SIGKILL/])

    await system.start('worker')
    t.equal(await waitUntilDone(system.urls.frontend, id), 'ready')
    t.same(differences(image, await fetchImage(system.urls.frontend, id)), [])
    const task = await (await fetch(`${system.urls.database}/getById?id=${id}`)).json()
    t.match(task, { state: 2, attempt: 2, losses: 1 })
  },
)
