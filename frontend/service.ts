import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type databaseContract, finished } from '../database/contract.ts'
import { createAdmission, unitsOf } from '../kit/admission.ts'
import { done, type Route } from '../kit/contract.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import type { Link } from '../kit/mesh.ts'
import { RETRY_AFTER_SECONDS } from '../kit/refusal.ts'
import { addRoutes, buildServer, type Call, type ServerOptions, sent } from '../kit/server.ts'
import type { masterContract } from '../master/contract.ts'
import type { storageContract } from '../storage/contract.ts'
import { createDelivery } from '../tasks/delivery.ts'
import { createIntake } from '../tasks/intake.ts'
import { isReady, waitUntilReady } from '../tasks/readiness.ts'
import { packFiles } from './archive.ts'
import { script, scriptVersion } from './assets.ts'
import { frontendContract, notReady, ready, type StatusReport } from './contract.ts'
import { lastEventOf, sendEvents, sendEventsOf } from './events.ts'
import { createFeed } from './feed.ts'
import { formLimits, readAnnouncement, readFile } from './form.ts'
import { nameFiles } from './names.ts'
import { createOperatorCheck } from './operator.ts'
import { addOriginRules } from './origin.ts'
import { renderHome, renderTask } from './page.ts'
import { renderStatus } from './status-page.ts'
import { askStories, askStory, countGone, type TaskStory, tellOf } from './story.ts'
import { createTerms } from './terms.ts'
import { createVisitors, type VisitorLimits } from './visitors.ts'

/** Longest that a stream of events says nothing, in ms: well below what proxies take for idle. */
const BEAT_MS = 15_000

export interface FrontendOptions extends Omit<ServerOptions, 'guard'> {
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  readonly master: Link<typeof masterContract>
  readonly maxUploadBytes: number
  readonly maxPixels: number
  /** Most bytes and pixels of uploads at once. */
  readonly maxBytesUnderWay: number
  readonly maxPixelsUnderWay: number
  readonly visitors: VisitorLimits
  readonly operators: {
    /** One of these is what an operator shows; with none, whoever is on this machine is one. */
    readonly secrets: readonly string[]
    readonly askStatus: () => Promise<StatusReport>
  }
  /** Longest that a stream of events says nothing, in ms; 15,000 unless said. */
  readonly beatMs?: number
}

/** The frontend: what the public sees. Keeps nothing; takes pictures in and gives them out itself, and asks a master for all else. */
export function buildFrontend({
  database,
  storage,
  master,
  maxUploadBytes,
  maxPixels,
  maxBytesUnderWay,
  maxPixelsUnderWay,
  visitors: visitorLimits,
  operators,
  beatMs = BEAT_MS,
  ...server
}: FrontendOptions): FastifyInstance {
  const app = buildServer({ ...server, guard: undefined })
  const isOperator = createOperatorCheck(app, operators.secrets)
  const feed = createFeed({ master })
  const terms = createTerms(master)
  const visitors = createVisitors(app, visitorLimits)
  const uploads = createAdmission({ most: maxBytesUnderWay, message: 'Too much is being uploaded.' })
  const takeIn = createIntake({ service: 'frontend', database, storage, maxPixels, maxPixelsUnderWay })
  const deliver = createDelivery({
    database,
    storage,
    askRetention: async () => terms.now()?.retentionMs,
  })
  app.register(multipart, {
    limits: { ...formLimits, fileSize: maxUploadBytes + 1 },
    throwFileSizeLimit: false,
  })
  addOriginRules(app)

  /** One that is away is taken for one of ours. */
  const hasOriginalMaster = () => master.isOriginal().catch(() => false)
  const hasOriginalDatabase = () => database.isOriginal().catch(() => false)

  /** Tells of tasks as events; of nothing but tasks that there are not: `not-found`. */
  const follow = async (call: Call<Route>, ids: readonly number[]): Promise<typeof sent> => {
    const { request, reply, signal } = call
    visitors.enterStream(request, reply)
    const noteGone = (gone: number) => visitors.countGone(request, gone)
    const reader = { ids: [...new Set(ids)], signal, since: lastEventOf(request), noteGone }
    const news = await visitors.countMiss(request, () => feed.follow(reader))
    return sendEventsOf(reply, news, beatMs)
  }

  /** How these tasks stand; `not-found` when there is none of them. */
  const lookAt = async (request: FastifyRequest, ids: readonly number[]) => {
    const stories = await visitors.countMiss(request, () => askStories(master, ids))
    const gone = countGone(stories)
    await visitors.countGone(request, gone)
    if (gone === stories.length) throw new ServiceError('not-found', 'None of these tasks is there.')
    return stories
  }

  addRoutes(app, frontendContract, {
    async home({ reply }) {
      const retentionMs = (await terms.soon())?.retentionMs
      return sendPage(reply, renderHome({ maxUploadBytes, maxPixels, retentionMs }))
    },
    async submitTask({ request, reply }) {
      await visitors.countUpload(request)
      visitors.enterUpload(request, reply)
      const length = readAnnouncement(request, maxUploadBytes)
      const leave = uploads.enter(unitsOf(length, maxUploadBytes))
      try {
        const said = terms.soon()
        const file = await readFile(request, { maxBytes: maxUploadBytes, pace: app.pace })
        const id = await takeIn(file, length)
        const { retentionMs } = (await said) ?? {}
        if (retentionMs !== undefined) reply.header('verdigris-retention', Math.floor(retentionMs / 1_000))
        return prefersHtml(request) ? sendOn(reply, `/task?id=${id}`) : String(id)
      } finally {
        leave()
      }
    },
    async isReady(call) {
      const { query, request, reply } = call
      const ask = async () => {
        if (query.wait === 0) return isReady(database, query.id)
        visitors.enterStream(request, reply)
        return waitUntilReady(database, query.id, query.wait, call.signal)
      }
      return (await visitors.countMiss(request, ask)) ? ready : notReady
    },
    async getImage({ query, request, reply }) {
      // Neither ever changes, so the id says which it is; but it may be deleted. Those of an original database come again.
      const tag = `"${query.id}"`
      if (request.headers['if-none-match'] === tag) {
        const known = await visitors
          .countMiss(request, () => database.ask.getById({ id: query.id }))
          .catch(error => {
            // Who cannot say it now takes no picture from anybody.
            if (!hasCode(error, 'unavailable')) throw error
          })
        const isThere = known !== undefined && (query.state === 'working' || known.state === finished)
        if (known === undefined || (isThere && !(await hasOriginalDatabase()))) {
          markImage(reply, tag).code(304).send()
          return sent
        }
      }
      const image = await visitors.countMiss(request, () => deliver(query))
      markImage(reply, (await hasOriginalDatabase()) ? undefined : tag)
      return image
    },
    async getImages({ query: { ids, names }, request, reply }) {
      const nameOf = readNames(ids, names)
      const stories = await lookAt(request, ids)
      if (stories.some(({ is }) => is === 'unknown for now'))
        throw new ServiceError('unavailable', 'A part of the system is away.')
      const ready = stories.filter(({ is }) => is === 'ready')
      if (ready.length === 0) throw new ServiceError('conflict', 'None of these images is ready.')
      reply.header('content-disposition', 'attachment; filename="verdigris.zip"')
      const files = nameFiles(ready.map(({ id }) => ({ id, name: nameOf.get(id) })))
      return {
        data: packFiles(ready.map(({ id }, at) => ({ name: files[at] ?? '', open: () => deliver({ id }) }))),
      }
    },
    async tryAgain({ query, request, reply }) {
      // It costs as much as an upload.
      await visitors.countUpload(request)
      await visitors.countMiss(request, () => master.ask.tryAgain(query))
      return prefersHtml(request) ? sendOn(reply, `/task?id=${query.id}`) : done
    },
    async deleteTask({ query, request, reply }) {
      await visitors.countMiss(request, () => askStory(master, query.id))
      if (await hasOriginalMaster()) throw new ServiceError('conflict', 'This master cannot delete.')
      await master.ask.delete(query)
      return prefersHtml(request) ? sendOn(reply, '/') : done
    },
    async task(call) {
      const { query, request, reply } = call
      const accept = request.headers.accept ?? ''
      reply.header('cache-control', 'no-store').header('vary', 'accept')
      if (accept.includes('text/event-stream')) return follow(call, [query.id])
      const story = await visitors
        .countMiss(request, () => askStory(master, query.id))
        .catch(error => {
          // People are told where to go from there.
          if (!hasCode(error, 'not-found') || !prefersHtml(request)) throw error
          return { id: query.id, is: 'gone' } as const
        })
      reply.code(statusOf(story))
      if (story.is === 'unknown for now') reply.header('retry-after', RETRY_AFTER_SECONDS)
      if (!accept.includes('application/json'))
        return sendPage(
          reply,
          renderTask(story, (await terms.soon())?.retentionMs, await hasOriginalMaster()),
        )
      return sendJson(reply, tellOf(story))
    },
    async events(call) {
      const { query, request, reply } = call
      const { ids } = query
      reply.header('cache-control', 'no-store').header('vary', 'accept')
      if (ids === undefined) {
        if (!isOperator(request)) throw new ServiceError('bad-request', 'The parameter ids is missing.')
        visitors.enterStream(request, reply)
        const reader = { signal: call.signal, since: lastEventOf(request) }
        return sendEvents(reply, await feed.followAll(reader), beatMs)
      }
      if (!request.headers.accept?.includes('application/json')) return follow(call, ids)
      const stories = await lookAt(request, ids)
      return sendJson(
        reply,
        stories.map(story => tellOf(story)),
      )
    },
    async script({ query: { v }, reply }) {
      const isKept = v === scriptVersion
      reply.header('cache-control', isKept ? 'public, max-age=31536000, immutable' : 'no-cache')
      reply.type('text/javascript; charset=utf-8').send(script)
      return sent
    },
    async status({ request, reply }) {
      if (!isOperator(request)) throw new ServiceError('not-found', 'No such route.')
      reply.header('cache-control', 'no-store').header('vary', 'accept')
      const report = await operators.askStatus()
      return request.headers.accept?.includes('application/json')
        ? report
        : sendPage(reply, renderStatus(report))
    },
  })
  return app
}

/** What visitors call the pictures of these tasks; names come with a / between them. */
function readNames(ids: readonly number[], names: string | undefined): ReadonlyMap<number, string> {
  const all = names?.split('/') ?? []
  if (names !== undefined && all.length !== ids.length)
    throw new ServiceError('bad-request', `There are ${all.length} names for ${ids.length} ids.`)
  return new Map(all.map((name, at) => [ids[at] ?? 0, name]))
}

/** Lets a browser keep an image, if it asks each time whether that one is still there (RFC 9111, 5.2.2.4): by its tag, if it has one. */
function markImage(reply: FastifyReply, tag: string | undefined): FastifyReply {
  reply.header('cache-control', 'private, no-cache')
  return tag === undefined ? reply : reply.header('etag', tag)
}

function sendOn(reply: FastifyReply, place: string): typeof sent {
  reply.redirect(place, 303)
  return sent
}

function sendJson(reply: FastifyReply, value: unknown): typeof sent {
  reply.type('application/json; charset=utf-8').send(JSON.stringify(value))
  return sent
}

function sendPage(reply: FastifyReply, page: string): typeof sent {
  reply.type('text/html; charset=utf-8').send(page)
  return sent
}

function statusOf({ is }: TaskStory): number {
  if (is === 'failed') return 422
  if (is === 'gone') return 404
  return is === 'unknown for now' ? 503 : 200
}

/** True for a browser that submitted a form, and wants to be shown something. */
function prefersHtml(request: FastifyRequest): boolean {
  return request.headers.accept?.includes('text/html') ?? false
}
