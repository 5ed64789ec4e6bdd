import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { ServiceError } from './errors.ts'

export interface GuardOptions {
  /** Secrets of which a caller must show one; none means that every caller is let in. Two, while one is being changed. */
  readonly secrets: readonly string[]
  /** `host:port` under which others reach this service, beside the loopback names. */
  readonly advertised?: string | undefined
}

const digest = (value: string) => createHash('sha256').update(value).digest()

/** Compares in constant time, so that an answer's delay tells nothing about a secret. */
function isOneOf(given: string, secrets: readonly Buffer[]): boolean {
  const hashed = digest(given)
  return secrets.reduce((found, secret) => timingSafeEqual(hashed, secret) || found, false)
}

/**
 * Keeps strangers out of an inner service: a web page in a browser on this machine (it sends an `Origin`, or a `Host`
 * that is not ours when its name was pointed here), and whoever lacks the secret. /health stays open to all.
 */
export function addGuard(app: FastifyInstance, options: GuardOptions): void {
  const secrets = options.secrets.map(digest)

  const isOwnHost = (host: string): boolean => {
    const address = app.server.address()
    if (address === null || typeof address === 'string') return true
    const names = ['localhost', '127.0.0.1', '[::1]'].map(name => `${name}:${address.port}`)
    if (options.advertised !== undefined) names.push(options.advertised)
    return names.includes(address.port === 80 && !/:\d+$/.test(host) ? `${host}:80` : host)
  }

  app.addHook('onRequest', async (request: FastifyRequest) => {
    if (request.routeOptions.url === '/health') return
    const { origin, host, authorization } = request.headers
    if (origin !== undefined) throw new ServiceError('forbidden', 'Requests from web pages are refused here.')
    if (host !== undefined && !isOwnHost(host.toLowerCase()))
      throw new ServiceError('forbidden', 'This service does not answer to that Host.')
    if (secrets.length === 0) return
    if (authorization === undefined) throw new ServiceError('unauthorized', 'The secret is missing.')
    const given = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? ''
    if (!isOneOf(given, secrets)) throw new ServiceError('forbidden', 'The secret is wrong.')
  })
}
