import { databaseContract } from '../database/contract.ts'
import { loadConfig } from '../kit/config.ts'
import { openMesh } from '../kit/mesh.ts'
import { runService, startService } from '../kit/run.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { storageContract } from '../storage/contract.ts'
import { masterConfig } from './config.ts'
import { masterContract } from './contract.ts'
import { buildMaster } from './service.ts'
import { openSweeper } from './sweeper.ts'

const config = loadConfig(masterConfig)
const start = startService(masterConfig.service, config)
const mesh = openMesh({ ...config, ...start, ...start.standing, registryContract: kvStoreContract })
const database = mesh.connect(databaseContract)
const storage = mesh.connect(storageContract)
const { retentionMs, orphanMs, sweepMs } = config
const sweeper = openSweeper({ database, storage, log: start.log, retentionMs, orphanMs, everyMs: sweepMs })
const app = buildMaster({
  ...config,
  ...start,
  guard: start.standing,
  database,
  storage,
  retentionMs,
  maxBodyBytes: config.maxUploadBytes,
})

await runService({
  ...start,
  app,
  discovery: { mesh, key: masterContract.key, own: config.own },
  drain: async () => sweeper.close(),
})
