import { join } from 'node:path'
import { openSwapper } from '../codec/swapper.ts'
import { databaseContract } from '../database/contract.ts'
import { loadConfig } from '../kit/config.ts'
import { openMesh } from '../kit/mesh.ts'
import { runService, startService } from '../kit/run.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { storageContract } from '../storage/contract.ts'
import { workerConfig } from './config.ts'
import { workerContract } from './contract.ts'
import { createOpinion } from './opinion.ts'
import { openPool } from './pool.ts'
import { buildWorker } from './service.ts'
import { createTaskRunner } from './task.ts'

const config = loadConfig(workerConfig)
const start = startService(workerConfig.service, config)
const { log, identity } = start
const mesh = openMesh({ ...config, ...start, ...start.standing, registryContract: kvStoreContract })
const database = mesh.connect(databaseContract)
const storage = mesh.connect(storageContract)
const witness = join(import.meta.dirname, 'witness.js')
const opinion = createOpinion({ storage, witness, share: config.opinionShare, log })
const swapper = openSwapper({
  threads: config.swapThreads,
  limitMs: config.swapMs,
  folder: join(import.meta.dirname, '..', 'codec'),
  maxPixels: config.maxPixels,
  maxBytes: config.maxUploadBytes,
})
if (!swapper.hasModule)
  log.warn('this machine has no SIMD: images are swapped with node:zlib, which takes longer')
const { maxPixels } = config
const run = createTaskRunner({ storage, swap: swapper.swap, maxPixels, isTrusted: opinion.ask, log })
const pool = openPool({ database, instance: identity.instance, threads: config.threads, run, log })
const facts = { running: pool.running, steps: pool.steps, ended: pool.ended, opinions: opinion.counts }
const app = buildWorker({ ...start, guard: start.standing, facts })

await runService({
  ...start,
  app,
  discovery: { mesh, key: workerContract.key, own: config.own },
  drain: () => pool.drain(),
  close: async () => {
    await Promise.all([opinion.close(), swapper.close()])
  },
})
