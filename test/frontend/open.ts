import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildFrontend } from '../../frontend/service.ts'
import { identityOf, openStage, type Stage } from '../stage.ts'

export interface OpenOptions {
  readonly maxUploadBytes?: number
  readonly beatMs?: number
}

/** A frontend with everything behind it, ended with the test. */
export interface Opened {
  readonly stage: Stage
  readonly app: FastifyInstance
  readonly url: string
  readonly port: number
}

export async function openFrontend(t: Test, options: OpenOptions = {}): Promise<Opened> {
  const { maxUploadBytes = 5e7, ...rest } = options
  const stage = await openStage(t)
  const app = buildFrontend({
    identity: identityOf('frontend'),
    master: stage.master,
    maxUploadBytes,
    maxPixels: 1e8,
    ...rest,
  })
  const url = `http://${await stage.listen(app)}`
  return { stage, app, url, port: Number(new URL(url).port) }
}
