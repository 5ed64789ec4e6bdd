import type { FastifyInstance } from 'fastify'
import { done } from '../kit/contract.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { addRoutes, buildServer, type ServerOptions } from '../kit/server.ts'
import { type ImageState, storageContract } from './contract.ts'
import type { StorageEngine } from './engine.ts'

export interface StorageOptions extends ServerOptions {
  readonly engine: StorageEngine
  /** Most bytes of an image, by state; without it `maxBodyBytes` holds for both. */
  readonly maxBytes?: Readonly<Record<ImageState, number>>
}

/** Storage: keeps uploads and results. An answer to a write means on disk; what is read is what was written. */
export function buildStorage({ engine, maxBytes, ...server }: StorageOptions): FastifyInstance {
  const app = buildServer({
    ...server,
    ...(maxBytes && { maxBodyBytes: Math.max(...Object.values(maxBytes)) }),
    facts: () => ({ ...server.facts?.(), corrupt: engine.corruptCount(), ...engine.usage() }),
  })

  addRoutes(app, storageContract, {
    async sendImage({ query: { id, state, create, attempt, maxBytes: saidBytes }, body }) {
      const isNew = create === 1
      if (isNew && attempt !== undefined)
        throw new ServiceError('bad-request', 'The parameters create and attempt exclude each other.')
      refuseAttemptOfUpload(state, attempt)
      await engine.put({ id, state, attempt }, body, {
        isNew,
        saidBytes,
        maxBytes: maxBytes?.[state] ?? app.maxBodyBytes,
      })
      return done
    },
    async getImage({ query: { id, state, attempt }, request, reply }) {
      refuseAttemptOfUpload(state, attempt)
      const image = await engine
        .get({ id, state, attempt }, () => !reply.raw.destroyed)
        .catch(error => {
          // Whoever asks is to come again, so that nobody else would tell.
          if (hasCode(error, 'unreadable'))
            request.log.error({ err: error.cause, id, state, attempt }, 'an image could not be read')
          throw error
        })
      if (image === undefined) throw new ServiceError('not-found', 'No such image.')
      return image
    },
    async deleteImage({ query: { id, state, attempt, olderThanMs } }) {
      refuseAttemptOfUpload(state, attempt)
      await engine.remove({ id, state, attempt }, olderThanMs)
      return done
    },
    images: ({ query }) => engine.list(query),
  })
  return app
}

function refuseAttemptOfUpload(state: ImageState, attempt: number | undefined): void {
  if (state === 'working' && (attempt ?? 0) > 0)
    throw new ServiceError('bad-request', 'Only a finished image has an attempt.')
}
