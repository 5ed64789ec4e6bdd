import { join } from 'node:path'
import { createZlibRecoder } from '../codec/zlib.ts'
import { loadConfig } from '../kit/config.ts'
import { openMesh } from '../kit/mesh.ts'
import { runService, startService } from '../kit/run.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { masterContract } from '../master/contract.ts'
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
const master = mesh.connect(masterContract)
const storage = mesh.connect(storageContract)
const witness = join(import.meta.dirname, 'witness.js')
const opinion = createOpinion({ storage, witness, share: config.opinionShare, log })
const recoder = createZlibRecoder({ level: config.level })
const run = createTaskRunner({ ...config, storage, recoder, log, finished: opinion.consider })
const pool = openPool({ master, instance: identity.instance, threads: config.threads, run, log })
const facts = { running: pool.running, ended: pool.ended, opinions: opinion.counts }
const app = buildWorker({ ...start, guard: start.standing, facts })

await runService({
  ...start,
  app,
  discovery: { mesh, key: workerContract.key, own: config.own },
  drain: () => pool.drain(),
  close: () => opinion.close(),
})
