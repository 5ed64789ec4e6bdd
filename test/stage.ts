import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { databaseContract } from '../database/contract.ts'
import { openSqliteTasks } from '../database/engines/sqlite.ts'
import { buildDatabase } from '../database/service.ts'
import type { Client } from '../kit/client.ts'
import { silent } from '../kit/log.ts'
import { type Link, openMesh } from '../kit/mesh.ts'
import type { Identity } from '../kit/server.ts'
import { kvStoreContract } from '../kv-store/contract.ts'
import { openSqliteKv } from '../kv-store/engines/sqlite.ts'
import { buildKvStore } from '../kv-store/service.ts'
import { masterContract } from '../master/contract.ts'
import { buildMaster } from '../master/service.ts'
import { storageContract } from '../storage/contract.ts'
import { openFileStorage } from '../storage/engines/files.ts'
import { buildStorage } from '../storage/service.ts'

const guard = { secrets: [] }

export interface StageOptions {
  readonly leaseMs?: number
  readonly plainLeaseMs?: number
  readonly maxPixels?: number
  readonly maxUploadBytes?: number
  readonly retentionMs?: number
  readonly quotaBytes?: number
  readonly maxBytesUnderWay?: number
  readonly maxPixelsUnderWay?: number
}

type Played = 'kv-store' | 'database' | 'storage' | 'master'

/** The real services a test needs around the one it is about, in this process, on ports of loopback. */
export interface Stage {
  readonly kv: string
  /** Where the storage keeps its images. */
  readonly folder: string
  readonly urls: { readonly database: string; readonly storage: string; readonly master: string }
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  readonly master: Link<typeof masterContract>
  /** Their apps, to watch what comes in. */
  readonly apps: { readonly [N in Played]: FastifyInstance }
  /** The kv-store, to be asked. */
  readonly registry: Client<typeof kvStoreContract>
  /** Puts an app on a port, of loopback unless said, ended with the test; gives its address. */
  listen(app: FastifyInstance, host?: string): Promise<string>
  /** Ends one of them; resolves once its port is free. */
  end(service: Played): Promise<void>
}

export const identityOf = (service: string): Identity => ({
  service,
  instance: `${service}-here`,
  version: '0',
})

export async function openStage(t: Test, options: StageOptions = {}): Promise<Stage> {
  const { maxPixels = 1e8, maxUploadBytes = 5e7, retentionMs = 86_400_000, ...rest } = options
  const { quotaBytes = 0, maxBytesUnderWay = 1e9, maxPixelsUnderWay = 1e9, ...leases } = rest
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-'))
  const closing: (() => Promise<unknown>)[] = []
  t.teardown(async () => {
    for (const close of closing.reverse()) await close()
    rmSync(folder, { recursive: true, force: true })
  })
  const listen = async (app: FastifyInstance, host = '127.0.0.1') => {
    closing.push(() => app.close())
    await app.listen({ host, port: 0 })
    app.isReady = true
    return `127.0.0.1:${(app.server.address() as { port: number }).port}`
  }

  const entries = openSqliteKv({ path: ':memory:' })
  const tasks = openSqliteTasks({ path: ':memory:', ...leases })
  const images = await openFileStorage({
    path: folder,
    quotaBytes,
    fatal: error => {
      throw error
    },
  })
  closing.push(
    () => entries.close(),
    () => tasks.close(),
    () => images.close(),
  )
  const kvStore = buildKvStore({ identity: identityOf('kv-store'), guard, engine: entries })
  const kv = await listen(kvStore)
  const mesh = openMesh({ kv, registryContract: kvStoreContract, secrets: [], allowedHosts: [], log: silent })
  const database = mesh.connect(databaseContract)
  const storage = mesh.connect(storageContract)
  const master = mesh.connect(masterContract)

  const apps = {
    'kv-store': kvStore,
    database: buildDatabase({ identity: identityOf('database'), guard, engine: tasks }),
    storage: buildStorage({
      identity: identityOf('storage'),
      guard,
      engine: images,
      maxBodyBytes: 4 * maxUploadBytes,
    }),
    master: buildMaster({
      identity: identityOf('master'),
      guard,
      database,
      storage,
      maxPixels,
      retentionMs,
      maxBytesUnderWay,
      maxPixelsUnderWay,
      maxBodyBytes: maxUploadBytes,
    }),
  }
  const contracts = { database: databaseContract, storage: storageContract, master: masterContract }
  const urls = { database: '', storage: '', master: '' }
  for (const service of ['database', 'storage', 'master'] as const) {
    const address = await listen(apps[service])
    urls[service] = `http://${address}`
    await entries.lease(contracts[service].key, address, `${service}-here`, 3_600)
  }
  closing.push(() => mesh.close())
  return {
    kv,
    folder,
    urls,
    database,
    storage,
    master,
    apps,
    registry: mesh.registry,
    listen,
    end: async service => {
      await apps[service].close()
    },
  }
}
