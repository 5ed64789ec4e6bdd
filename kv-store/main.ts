import { join } from 'node:path'
import { loadConfig } from '../kit/config.ts'
import { endOnLoss, openOrFail, runService, startService } from '../kit/run.ts'
import { kvStoreConfig } from './config.ts'
import { openSqliteKv } from './engines/sqlite.ts'
import { buildKvStore } from './service.ts'

const config = loadConfig(kvStoreConfig)
const start = startService(kvStoreConfig.service, config)
const path = join(config.dataDir, 'kv-store', 'entries.db')
const engine = await openOrFail(start, () => openSqliteKv({ path, fatal: endOnLoss(start) }))
const app = buildKvStore({ ...start, engine, guard: start.standing })

await runService({ ...start, app, close: () => engine.close() })
