import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type databaseContract, failed, finished, notStarted, type Task } from '../database/contract.ts'
import { done } from '../kit/contract.ts'
import { ifUnsent } from '../kit/ending.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Link } from '../kit/mesh.ts'
import { addRoutes, buildServer, type ServerOptions, sent } from '../kit/server.ts'
import type { storageContract } from '../storage/contract.ts'
import { masterContract } from './contract.ts'
import { ASK_AGAIN_MS, createDispatch } from './dispatch.ts'
import { createIntake } from './intake.ts'

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

/** The master: keeps nothing, joins database and storage, and is all that frontends and workers need to know. */
export function buildMaster({ database, storage, ...options }: MasterOptions): FastifyInstance {
  const { maxPixels, retentionMs } = options
  const app = buildServer(options)
  const takeIn = createIntake({ ...options, database, storage, maxBytes: app.maxBodyBytes })
  const dispatch = createDispatch({ database, storage })
  /** With an original in one of these places nothing is swept (sweeper.ts). */
  const isSwept = async () => !(await database.isOriginal()) && !(await storage.isOriginal())

  addRoutes(app, masterContract, {
    async new({ query: { maxBytes }, body }) {
      return String(await takeIn(body, maxBytes))
    },
    async get({ query: { id, state } }) {
      const known = await database.ask.getById({ id })
      if (state === 'working') return storage.ask.getImage({ id, state })
      const task = refuseFailed(known)
      if (task.state !== finished) throw new ServiceError('conflict', 'The image is not ready yet.')
      const result = { id, state: 'finished', attempt: task.result || undefined } as const
      // Asked before, since nobody would let go of an image in hand; who cannot say it now keeps no image from anybody.
      const { endedMs } = task
      const goes = endedMs !== undefined && (await isSwept().catch(() => false))
      const image = await storage.ask.getImage(result)
      return goes ? { ...image, keptUntil: Date.now() + Math.max(0, retentionMs - endedMs) } : image
    },
    async isReady(call) {
      const { id, wait = 0 } = call.query
      if (wait === 0) return refuseFailed(await database.ask.getById({ id })).state === finished ? '1' : '0'
      const { signal } = call
      const giveUpAt = performance.now() + wait * 1_000
      for (let left = wait; left > 0 && !signal.aborted; ) {
        const asking = database.ask.getById({ id, wait: left, ended: 1 }, { signal })
        // About to end: who still waits is told how it stands, and comes again.
        const task = await asking.catch(error => {
          if (signal.aborted) return undefined
          throw error
        })
        if (task !== undefined && refuseFailed(task).state === finished) return '1'
        left = Math.round((giveUpAt - performance.now()) / 1_000)
        // Answered early: an original database holds no ask, and one of ours that is about to end lets go of all.
        if (left > 0) await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {})
      }
      return '0'
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
    terms: async () => ({
      ...((await isSwept()) && { retentionMs }),
      maxUploadBytes: app.maxBodyBytes,
      maxPixels,
    }),
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

function refuseFailed(task: Task): Task {
  if (task.state === failed) throw new ServiceError('unprocessable', task.reason ?? 'The task failed.')
  return task
}
