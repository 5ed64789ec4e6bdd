import { hash, timingSafeEqual } from 'node:crypto'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { formatAddress } from './address.ts'
import { ServiceError } from './errors.ts'

/** Under which names others reach this service, beside the loopback names. */
export interface Names {
  /** Host, without a port. */
  readonly reachedAt?: string | undefined
  /** `host:port`. */
  readonly advertised?: string | undefined
}

export interface GuardOptions extends Names {
  /** Secrets of which a caller must show one; none means that every caller is let in. Two, while one is being changed. */
  readonly secrets: readonly string[]
}

const digest = (value: string) => hash('sha256', value, 'buffer')

/**
 * Whether an `Authorization` shows one of these secrets. Compares in constant time, so that an answer's delay tells
 * nothing about them.
 */
export function createSecretCheck(
  secrets: readonly string[],
): (authorization: string | undefined) => boolean {
  const digests = secrets.map(digest)
  return authorization => {
    const given = digest(/^Bearer (.+)$/i.exec(authorization ?? '')?.[1] ?? '')
    return digests.reduce((found, secret) => timingSafeEqual(given, secret) || found, false)
  }
}

/** Whether a `Host` is one of this app: the loopback names and the one that others know with its port, and the advertised address. */
export function createHostCheck(
  app: FastifyInstance,
  { reachedAt = 'localhost', advertised }: Names = {},
): (host: string) => boolean {
  let names: ReadonlySet<string> | undefined
  const namesOf = (port: number): ReadonlySet<string> => {
    const hosts = ['localhost', '127.0.0.1', '::1', reachedAt]
    const listening = hosts.map(host => asSent(formatAddress({ host, port })))
    if (advertised !== undefined) listening.push(asSent(advertised))
    const standard = `:${app.server instanceof TlsServer ? 443 : 80}`
    // A client leaves the standard port out.
    const short = listening
      .filter(name => name.endsWith(standard))
      .map(name => name.slice(0, -standard.length))
    return new Set([...listening, ...short])
  }
  return given => {
    // Asked for once: the address of a socket is a system call.
    if (names === undefined) {
      const address = app.server.address()
      if (address === null || typeof address === 'string') return true
      names = namesOf(address.port)
    }
    return names.has(given.toLowerCase())
  }
}

/** `host:port` as a client sends it, who reads it as a part of a URL: in lower case, IPv6 at its shortest. */
function asSent(address: string): string {
  const { hostname, port } = new URL(`http://${address}`)
  return `${hostname}:${port || 80}`
}

/**
 * Keeps strangers out of an inner service: a web page in a browser on this machine (it sends an `Origin`, or a `Host`
 * that is not ours when its name was pointed here), and whoever lacks the secret. /health stays open to all.
 */
export function addGuard(app: FastifyInstance, options: GuardOptions): void {
  const isSecret = createSecretCheck(options.secrets)
  const isOwnHost = createHostCheck(app, options)

  const refusalOf = ({ headers: { origin, host, authorization } }: FastifyRequest) => {
    if (origin !== undefined)
      return new ServiceError('forbidden', 'Requests from web pages are refused here.')
    if (host !== undefined && !isOwnHost(host))
      return new ServiceError('forbidden', 'This service does not answer to that Host.')
    if (options.secrets.length === 0) return undefined
    if (authorization === undefined) return new ServiceError('unauthorized', 'The secret is missing.')
    return isSecret(authorization) ? undefined : new ServiceError('forbidden', 'The secret is wrong.')
  }
  app.addHook('onRequest', (request, _reply, next) => {
    const refusal = refusalOf(request)
    // Asked for last: Fastify puts the options of a route together anew each time, and most requests are not refused.
    next(refusal !== undefined && request.routeOptions.url === '/health' ? undefined : refusal)
  })
}
