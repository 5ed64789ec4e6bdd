import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { codeOfStatus, type ErrorCode, ServiceError, statusOfCode } from './errors.ts'

/** How long the rest of a refused upload is read and dropped, in ms, so that its sender sees the reason, not a reset. */
export const DROP_MS = 2_000
/** When it may be worth coming back where nobody has an estimate: this service ends, others are there or start by now. */
export const RETRY_AFTER_SECONDS = 1

/** Fastify's own refusals (a bad URL, too large a header, ...) in our codes; what is left is a bug and says nothing. */
export function asServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error
  // What `call.signal` ended: the service is about to end, or nobody is there to read this.
  if ((error as Error).name === 'AbortError')
    return new ServiceError('unavailable', 'The service is about to end.')
  const status = (error as { statusCode?: number }).statusCode ?? 500
  const code = codeOfStatus(status)
  if (status < 500 && code !== 'bad-answer') return new ServiceError(code, (error as Error).message)
  return new ServiceError('internal', 'Internal error.', { cause: error })
}

/** Sends a refusal: one line of text, or JSON to a caller whose `Accept` names it. */
export function sendRefusal(
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: ServiceError,
): FastifyReply {
  // What a refusal repeats of a request must not be taken for a page.
  reply.code(refusal.status).header('x-content-type-options', 'nosniff')
  if (refusal.status === 429 || refusal.status === 503)
    reply.header('retry-after', refusal.retryAfterSeconds ?? RETRY_AFTER_SECONDS)
  if (refusal.status === 401) reply.header('www-authenticate', 'Bearer')
  if (request.headers.accept?.includes('application/json'))
    return reply
      .type('application/json; charset=utf-8')
      .send(JSON.stringify({ error: { code: refusal.code, message: refusal.message } }))
  return reply.type('text/plain; charset=utf-8').send(`Error: ${refusal.message}\n`)
}

/** Refuses what cannot be read as a request at all, or comes too slowly, and ends its connection. */
export function refuseUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (socket.destroyed || socket.writableEnded) return
  const codes: Record<string, ErrorCode> = {
    ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
    HPE_HEADER_OVERFLOW: 'headers-too-large',
  }
  const code = codes[error.code ?? ''] ?? 'bad-request'
  const status = statusOfCode[code]
  const body = `Error: ${STATUS_CODES[status]}.\n`
  const type = ['Content-Type: text/plain; charset=utf-8', 'X-Content-Type-Options: nosniff']
  const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...type]
  socket.end([...head, `Content-Length: ${body.length}`, 'Connection: close', '', body].join('\r\n'))
  setTimeout(() => socket.destroy(), DROP_MS).unref()
}

/** Gives an app the one way of refusing: errors, unknown routes, other methods, and uploads that nobody reads on. */
export function addRefusals(app: FastifyInstance, methodsOf: (path: string) => readonly string[]): void {
  app.setErrorHandler((error, request, reply) => {
    const refusal = asServiceError(error)
    if (refusal.code === 'internal') request.log.error({ err: refusal.cause ?? refusal }, 'a request failed')
    return sendRefusal(request, reply, refusal)
  })

  app.setNotFoundHandler((request, reply) => {
    const allowed = methodsOf(request.url.split('?', 1)[0] ?? '')
    if (allowed.length === 0)
      return sendRefusal(request, reply, new ServiceError('not-found', 'No such route.'))
    reply.header('allow', allowed.join(', '))
    const refusal = new ServiceError('method-not-allowed', `Only ${allowed.join(', ')} here.`)
    return sendRefusal(request, reply, refusal)
  })

  app.addHook('onSend', (request, reply, _payload, next) => {
    dropRest(request, reply)
    next()
  })
}

/**
 * To be called before an answer is sent: reads and drops for a while what still comes of a request that is not through by then, and
 * ends its connection. Not at once, also where the service ends: the reason would be lost on its way.
 */
export function dropRest({ raw: request, server }: FastifyRequest, { raw: answer }: FastifyReply): void {
  if (request.complete) return
  answer.removeHeader('connection')
  answer.shouldKeepAlive = true
  const endIfLeaving = () => {
    if (server.isLeaving) request.socket.end()
  }
  answer.once('finish', () => {
    if (request.complete) return endIfLeaving()
    if (request.destroyed) return
    const timer = setTimeout(() => request.destroy(), DROP_MS).unref()
    request.on('error', () => {}).once('close', () => clearTimeout(timer))
    request.once('end', endIfLeaving)
    request.removeAllListeners('data').resume()
  })
}
