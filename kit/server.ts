import { setMaxListeners } from 'node:events'
import { Readable } from 'node:stream'
import {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  fastify,
  LogController,
} from 'fastify'
import { discard } from './body.ts'
import { addConnectionLimits } from './connections.ts'
import type { AnswerOf, BodyOf, Bytes, Contract, QueryOf, Route } from './contract.ts'
import { healthRoute } from './contract.ts'
import type { Credentials } from './credentials.ts'
import { createDeadlines } from './deadlines.ts'
import { type Watch, watchCall } from './ending.ts'
import { ServiceError } from './errors.ts'
import { addGuard } from './guard.ts'
import { hasBody, readBody, readQuery } from './input.ts'
import { handlerMsOf, limits, paceOf, standardLimits } from './limits.ts'
import { type Logger, silent } from './log.ts'
import type { Pace } from './pace.ts'
import { addRefusals, asServiceError, dropRest, refuseUnreadable, sendRefusal } from './refusal.ts'
import { createServerFactory } from './server-factory.ts'

/** Who this process is, and what it tells at /health. */
export interface Identity {
  readonly service: string
  /** Unique to this start of this process. */
  readonly instance: string
  readonly version: string
  /** Name or IP address that others reach it at, and with its port; that is not known while the system chooses the port. */
  readonly reachedAt?: string | undefined
  readonly advertised?: string | undefined
}

export interface ServerOptions {
  readonly identity: Identity
  /** Secrets of which a caller must show one; the frontend, which is for the public, has no guard at all. */
  readonly guard: { readonly secrets: readonly string[] } | undefined
  /** With these it speaks TLS alone. */
  readonly serverCredentials?: Credentials | undefined
  /** Most bytes of a body of bytes. */
  readonly maxBodyBytes?: number
  /** How long a caller may be slow, in ms: twice as long as over its headers. 20,000 unless said. */
  readonly patienceMs?: number
  /** Most connections at once; 4,000 unless said. */
  readonly maxConnections?: number
  /** How long a route may take, in ms; what limits.ts says unless said. */
  readonly timeOf?: (route: Route) => number
  /** Proxies whose word is taken for where a request comes from: addresses and networks; none unless said. */
  readonly trustProxy?: readonly string[]
  readonly log?: Logger
  /** Further facts for /health. */
  readonly facts?: () => Record<string, unknown>
}

/** What a handler gets: the checked parameters, the body, and the request itself for what is particular. */
export interface Call<R extends Route> {
  readonly query: QueryOf<R>
  readonly body: BodyOf<R>
  /** Aborts when the caller is gone or the service is about to end: what waits should answer or give up. */
  readonly signal: AbortSignal
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** A class, for the sake of `signal`: an object with a getter of its own would be of a shape of its own, each made anew. */
class IncomingCall<R extends Route> implements Call<R> {
  readonly query: QueryOf<R>
  readonly body: BodyOf<R>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  #watch: Watch | undefined

  constructor(query: QueryOf<R>, body: BodyOf<R>, request: FastifyRequest, reply: FastifyReply) {
    this.query = query
    this.body = body
    this.request = request
    this.reply = reply
  }

  get signal(): AbortSignal {
    this.#watch ??= watchCall(this.request.server.stopping.signal, this.reply)
    return this.#watch.signal
  }

  /** It has its whole answer. */
  letGo(): void {
    this.#watch?.letGo()
  }
}

/** What a handler gives that has answered through `call.reply` itself: a page, a redirect. */
export const sent = Symbol('sent')
export type Handler<R extends Route> = (call: Call<R>) => Promise<AnswerOf<R> | typeof sent>
export type Handlers<C extends Contract> = { readonly [N in keyof C['routes']]: Handler<C['routes'][N]> }

/** An app with everything the six share: /health, the guard, the one way of refusing, limits on what is read. */
export function buildServer(options: ServerOptions): FastifyInstance {
  const { service, instance, version } = options.identity
  const { patienceMs, maxConnections, trustProxy = [] } = { ...standardLimits, ...options }
  const { serverCredentials } = options
  const isForVisitors = options.guard === undefined
  const app = fastify({
    loggerInstance: (options.log ?? silent) as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    // What is logged of a request says itself what it is about: no logger of its own for each.
    childLoggerFactory: logger => logger,
    serverFactory: createServerFactory(serverCredentials),
    trustProxy: trustProxy.length > 0 && [...trustProxy],
    requestTimeout: limits.requestMs,
    // Silence is no fault in itself: polls are held and streams of events have nothing to say. See connections.ts.
    connectionTimeout: 0,
    keepAliveTimeout: isForVisitors ? limits.visitorIdleMs : limits.idleMs,
    maxRequestsPerSocket: isForVisitors ? limits.visitorRequests : 0,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: patienceMs / 2,
      connectionsCheckingInterval: patienceMs / 10,
    },
    forceCloseConnections: 'idle',
    // What still comes over a kept connection while the app closes is served; its answer ends the connection.
    return503OnClosing: false,
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, request, reply) => {
      // No hook hears of these. A turn later, for the same reason as below.
      queueMicrotask(() => {
        dropRest(request, reply)
        sendRefusal(request, reply, asServiceError(error))
      })
    },
  })
  const methods = new Map<string, string[]>()
  app.addHook('onRoute', ({ url, method }) => {
    methods.set(url, [...(methods.get(url) ?? []), ...[method].flat()])
  })
  addRefusals(app, path => methods.get(path) ?? [])
  // The one hook that is async: by those behind it, all of a request that came in one piece has been read.
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.rawHeaders.length > 2 * limits.headerCount)
      throw new ServiceError('headers-too-large', `A request has at most ${limits.headerCount} headers.`)
  })
  const readerPace = isForVisitors ? paceOf(patienceMs) : { windowMs: limits.innerReaderMs, leastBytes: 1 }
  addConnectionLimits(app, { most: maxConnections, readerPace })
  if (options.guard !== undefined) addGuard(app, { ...options.guard, ...options.identity })

  const stopping = new AbortController()
  // Every call that waits listens to it.
  setMaxListeners(0, stopping.signal)
  app.decorate('stopping', stopping)
  app.decorate('maxBodyBytes', options.maxBodyBytes ?? limits.textBodyBytes)
  app.decorate('pace', paceOf(patienceMs))
  app.decorate('timeOf', options.timeOf ?? handlerMsOf)
  app.addHook('preClose', async () => stopping.abort())
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  // Bodies are what the route says, whatever the header says: originals send none, an empty one, or no media type.
  app.addHook('onRequest', (request, _reply, next) => {
    const { headers } = request
    // Asked before, since deleting costs as much where there is nothing.
    if (headers['content-type'] !== undefined && !request.routeOptions.config.readsContentType)
      delete headers['content-type']
    next()
  })

  app.decorate('isReady', false)
  app.decorate('isLeaving', false)
  // Whoever comes once more must come over a new connection, and asks first who is there.
  app.addHook('onSend', ({ raw }, reply, _payload, next) => {
    if (app.isLeaving && raw.complete) reply.header('connection', 'close')
    next()
  })
  app.decorate('served', {})
  addRoute(app, healthRoute, async () => ({
    service,
    instance,
    version,
    ready: app.isReady && !app.stopping.signal.aborted,
    ...(app.isLeaving && { leaving: true }),
    // Not told to the public.
    ...(options.guard !== undefined && {
      served: app.served,
      ...(serverCredentials && { certificateEndsAt: serverCredentials.current().endsAt }),
    }),
    ...options.facts?.(),
  }))
  return app
}

/** Registers every route of a contract with its handler: the table of contents of a service. */
export function addRoutes<const C extends Contract>(
  app: FastifyInstance,
  contract: C,
  handlers: Handlers<C>,
): void {
  for (const [name, route] of Object.entries(contract.routes))
    addRoute(app, route, handlers[name] as Handler<Route>)
}

function addRoute<R extends Route>(app: FastifyInstance, route: R, handler: Handler<R>): void {
  const deadlines = createDeadlines(app.timeOf(route))
  const respond = async (request: FastifyRequest, reply: FastifyReply) => {
    const timed = deadlines.enter(reply)
    let body: unknown
    try {
      const query = readQuery(route, request.query as Record<string, unknown>)
      if (hasBody(route)) body = await readBody(route, request, app)
      const call = new IncomingCall(query, body as BodyOf<R>, request, reply)
      const answer = await handler(call)
      if (!route.mayStream && answer !== sent) call.letGo()
      if (timed.isLate) return letGo(route, answer)
      timed.isGiven = true
      app.served[route.path] = (app.served[route.path] ?? 0) + 1
      if (answer !== sent) sendAnswer(route, reply, answer)
    } catch (error) {
      // Let go of what was not read: the rest of a refused upload is dropped by the server.
      if (route.body === 'bytes' && body !== undefined) discard(body as Bytes)
      if (!timed.isLate) reply.send(error)
    }
  }
  app.route({
    method: route.method,
    url: route.path,
    config: { readsContentType: route.body === 'form' },
    handler(request, reply) {
      void respond(request, reply)
    },
  })
}

function letGo(route: Route, answer: unknown): void {
  if (route.reply.kind === 'bytes' && answer !== sent) discard(answer as Bytes)
}

function sendAnswer(route: Route, reply: FastifyReply, answer: unknown): FastifyReply {
  if (answer === undefined) return reply.code(204).send()
  switch (route.reply.kind) {
    case 'bytes': {
      const { data, length, keptUntil } = answer as Bytes
      reply.type(route.reply.type).header('x-content-type-options', 'nosniff')
      if (length !== undefined) reply.header('content-length', length)
      if (keptUntil !== undefined) reply.header('sunset', new Date(keptUntil).toUTCString())
      // Fastify would read all of a stream, for nobody.
      if (reply.request.method === 'HEAD' && !Buffer.isBuffer(data)) {
        discard({ data })
        return reply.send(Readable.from([]))
      }
      return reply.send(data)
    }
    case 'json':
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
    case 'textOrJson':
      return typeof answer === 'string'
        ? reply.type('text/plain; charset=utf-8').send(answer)
        : reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
    case 'lines':
      return reply.type('text/plain; charset=utf-8').send(Readable.from(answer as AsyncIterable<string>))
    case 'text':
      return reply.type('text/plain; charset=utf-8').send(answer)
  }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborted when the app begins to close. */
    readonly stopping: AbortController
    /** Most bytes of a body of bytes. */
    readonly maxBodyBytes: number
    /** What the sender of a body must manage. */
    readonly pace: Pace
    /** How long a route may take, in ms. */
    readonly timeOf: (route: Route) => number
    /** What /health says: set once the service has registered, cleared when it leaves. */
    isReady: boolean
    /** Serves what still comes, and wants no more: set when it is told to end. */
    isLeaving: boolean
    /** How many requests were not refused since the start, by path. */
    readonly served: Record<string, number>
  }
  interface FastifyContextConfig {
    /** This route reads its `Content-Type` (the upload form); all others ignore it. */
    readsContentType?: boolean
  }
}
