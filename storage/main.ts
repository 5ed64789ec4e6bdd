import { join } from 'node:path'
import { loadConfig } from '../kit/config.ts'
import { openMesh } from '../kit/mesh.ts'
import { endOnLoss, openOrFail, runService, startService } from '../kit/run.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { storageConfig } from './config.ts'
import { storageContract } from './contract.ts'
import { openFileStorage } from './engines/files.ts'
import { buildStorage } from './service.ts'

const config = loadConfig(storageConfig)
const start = startService(storageConfig.service, config)
const { standing } = start
const fatal = endOnLoss(start)
const { abandonedMs, quotaBytes, logBytes } = config
const path = join(config.dataDir, 'storage')
const options = { path, fatal, abandonedMs, quotaBytes, logBytes }
const engine = await openOrFail(start, () => openFileStorage(options))
const maxBytes = { working: config.maxUploadBytes, finished: config.maxResultBytes }
const app = buildStorage({ ...start, engine, maxBytes, guard: standing })
const mesh = openMesh({ ...config, ...start, ...standing, registryContract: kvStoreContract })
const discovery = { mesh, key: storageContract.key, own: config.own }

await runService({ ...start, app, discovery, close: () => engine.close() })
