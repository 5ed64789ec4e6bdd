import { join } from 'node:path'
import { loadConfig } from '../kit/config.ts'
import { openMesh } from '../kit/mesh.ts'
import { endOnLoss, openOrFail, runService, startService } from '../kit/run.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { databaseConfig } from './config.ts'
import { databaseContract } from './contract.ts'
import { openSqliteTasks } from './engines/sqlite.ts'
import { buildDatabase } from './service.ts'

const config = loadConfig(databaseConfig)
const start = startService(databaseConfig.service, config)
const { kv, own, allowedHosts, leaseMs, plainLeaseMs } = config
const { secrets } = start.standing
const path = join(config.dataDir, 'database', 'tasks.db')
const fatal = endOnLoss(start)
const engine = await openOrFail(start, () => openSqliteTasks({ path, leaseMs, plainLeaseMs, fatal }))
const mesh = openMesh({ ...start, kv, registryContract: kvStoreContract, secrets, allowedHosts })
const app = buildDatabase({ ...start, engine, guard: start.standing })
const discovery = { mesh, key: databaseContract.key, own }

await runService({ ...start, app, discovery, close: () => engine.close() })
