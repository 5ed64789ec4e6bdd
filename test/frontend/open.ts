import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildFrontend } from '../../frontend/service.ts'
import { createStatus } from '../../frontend/status.ts'
import type { VisitorLimits } from '../../frontend/visitors.ts'
import type { Logger } from '../../kit/log.ts'
import { identityOf, openStage, type Stage, type StageOptions } from '../stage.ts'

export interface OpenOptions {
  readonly maxUploadBytes?: number
  readonly maxPixels?: number
  readonly maxBytesUnderWay?: number
  readonly maxPixelsUnderWay?: number
  readonly visitors?: Partial<VisitorLimits>
  readonly trustProxy?: readonly string[]
  readonly log?: Logger
  readonly patienceMs?: number
  readonly maxConnections?: number
  /** What the master behind it is told. */
  readonly stage?: StageOptions
  readonly beatMs?: number
  readonly secrets?: readonly string[]
  /** Where it listens; on loopback unless said. */
  readonly host?: string
}

/** A frontend with everything behind it, ended with the test. */
export interface Opened {
  readonly stage: Stage
  readonly app: FastifyInstance
  readonly url: string
  readonly port: number
}

export async function openFrontend(t: Test, options: OpenOptions = {}): Promise<Opened> {
  const { maxUploadBytes = 5e7, secrets = [], host = '127.0.0.1', visitors, stage: told, ...rest } = options
  const stage = await openStage(t, told)
  const { registry, kv } = stage
  const askStatus = createStatus({ master: stage.master, registry, kv, allowedHosts: [] })
  const app = buildFrontend({
    identity: identityOf('frontend'),
    database: stage.database,
    storage: stage.storage,
    master: stage.master,
    operators: { secrets, askStatus },
    maxUploadBytes,
    maxPixels: 1e8,
    maxBytesUnderWay: 1e9,
    maxPixelsUnderWay: 1e9,
    visitors: { uploadsPerMinute: 1_000, missesPerMinute: 1_000, maxStreams: 1_000, ...visitors },
    ...rest,
  })
  const url = `http://${await stage.listen(app, host)}`
  return { stage, app, url, port: Number(new URL(url).port) }
}
