import { databaseContract } from '../database/contract.ts'
import { loadConfig } from '../kit/config.ts'
import { openMesh } from '../kit/mesh.ts'
import { runService, startService } from '../kit/run.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { masterContract } from '../master/contract.ts'
import { storageContract } from '../storage/contract.ts'
import { frontendConfig } from './config.ts'
import { frontendContract } from './contract.ts'
import { buildFrontend } from './service.ts'
import { createStatus } from './status.ts'

const config = loadConfig(frontendConfig)
const start = startService(frontendConfig.service, config, true)
const mesh = openMesh({ ...config, ...start, ...start.standing, registryContract: kvStoreContract })
const database = mesh.connect(databaseContract)
const storage = mesh.connect(storageContract)
const master = mesh.connect(masterContract)
const { secrets } = start.standing
const operators = {
  secrets,
  askStatus: createStatus({ ...config, ...start, master, registry: mesh.registry }),
}
const app = buildFrontend({ ...config, ...start, database, storage, master, operators, visitors: config })

const { listenFds, listenPid = process.pid } = config
const isHandedOver = listenFds !== undefined && listenPid === process.pid

await runService({
  ...start,
  app,
  isHandedOver,
  discovery: { mesh, key: frontendContract.key, own: config.own },
})
