import type { FastifyInstance } from 'fastify'
import { type databaseContract, failed, finished, notStarted } from '../database/contract.ts'
import { createAdmission, unitsOf } from '../kit/admission.ts'
import { done } from '../kit/contract.ts'
import { ifUnsent } from '../kit/ending.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Link } from '../kit/mesh.ts'
import { addRoutes, buildServer, type ServerOptions, sent } from '../kit/server.ts'
import type { storageContract } from '../storage/contract.ts'
import { createDelivery } from '../tasks/delivery.ts'
import { createIntake } from '../tasks/intake.ts'
import { isReady, waitUntilReady } from '../tasks/readiness.ts'
import { masterContract } from './contract.ts'
import { createDispatch } from './dispatch.ts'

export interface MasterOptions extends ServerOptions {
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  /** Largest picture, in pixels. */
  readonly maxPixels: number
  /** How long a task and its images are kept after it finished or failed, in ms: what the sweeper is told, too. */
  readonly retentionMs: number
  /** Most bytes and pixels of uploads at once. */
  readonly maxBytesUnderWay: number
  readonly maxPixelsUnderWay: number
}

/** The master: keeps nothing, joins database and storage, and is all that somebody needs to know who wants one address. */
export function buildMaster({ database, storage, ...options }: MasterOptions): FastifyInstance {
  const { retentionMs, maxBytesUnderWay } = options
  const app = buildServer(options)
  const uploads = createAdmission({ most: maxBytesUnderWay, message: 'Too much is being taken in.' })
  const takeIn = createIntake({ ...options, service: 'master', database, storage })
  const dispatch = createDispatch({ database, storage })
  /** With an original in one of these places nothing is swept (sweeper.ts). */
  const isSwept = async () => !(await database.isOriginal()) && !(await storage.isOriginal())

  const deliver = createDelivery({
    database,
    storage,
    // Who cannot say it now keeps no image from anybody.
    askRetention: async () => ((await isSwept().catch(() => false)) ? retentionMs : undefined),
  })

  addRoutes(app, masterContract, {
    async new({ body }) {
      const leave = uploads.enter(unitsOf(body.length, app.maxBodyBytes))
      try {
        return String(await takeIn(body))
      } finally {
        leave()
      }
    },
    get: ({ query }) => deliver(query),
    async isReady(call) {
      const { id, wait = 0 } = call.query
      const is = wait === 0 ? isReady(database, id) : waitUntilReady(database, id, wait, call.signal)
      return (await is) ? '1' : '0'
    },
    async getNewTask({ query, reply, signal }) {
      try {
        const grant = await dispatch.grant(query, signal)
        if (grant !== undefined) ifUnsent(reply, () => dispatch.takeBack(grant))
        return grant
      } catch (error) {
        if (!hasCode(error, 'not-found')) throw error
        // An original worker ends on any other status.
        reply.type('text/plain; charset=utf-8').send('Error: No non-started task.')
        return sent
      }
    },
    async registerTaskFinished(call) {
      const { query, reply } = call
      const grant = await dispatch.finish(query, query.wait === undefined ? undefined : call.signal)
      if (grant === undefined) return done
      ifUnsent(reply, () => dispatch.takeBack(grant))
      return grant
    },
    endAsks: ({ query }) => database.ask.endAsks(query),
    renewTask: ({ query }) => database.ask.renewTask(query),
    releaseTask: ({ query }) => database.ask.releaseTask(query),
    failTask: ({ query, body }) => database.ask.failTask(query, { body }),
    async getByIds({ query }) {
      if (!(await database.isOriginal())) return database.ask.getByIds(query)
      const asking = query.ids.map(id => database.ask.getById({ id }).catch(noneIfNotFound))
      return (await Promise.all(asking)).filter(task => task !== undefined)
    },
    changes: ({ query, signal }) => database.ask.changes(query, { signal }),
    overview: () => database.ask.overview({}),
    async tryAgain({ query: { id } }) {
      const { state } = await database.ask.getById({ id })
      if (state === finished) throw new ServiceError('conflict', 'The task is finished.')
      // Said again: it waits, or runs, already.
      if (state !== failed) return done
      await database.ask.setById({}, { body: { id, state: notStarted } })
      return done
    },
    terms: async () => ((await isSwept()) ? { retentionMs } : {}),
    async delete({ query: { id } }) {
      await database.ask.deleteTask({ id })
      failpoint('master.task.deleted')
      await storage.ask.deleteImage({ id, state: 'finished' })
      failpoint('master.result.deleted')
      await storage.ask.deleteImage({ id, state: 'working' })
      failpoint('master.upload.deleted')
      return done
    },
  })
  return app
}

function noneIfNotFound(error: unknown): undefined {
  if (!hasCode(error, 'not-found')) throw error
}
