import type { Server, ServerOptions } from 'node:http'
import { createServer } from 'node:https'
import type { FastifyServerFactory } from 'fastify'
import type { Credentials, Material } from './credentials.ts'

/** How long a caller may take to agree on a connection, in ms. */
export const HANDSHAKE_MS = 15_000

/** What Fastify tells a factory, of which a server takes its limits. */
interface FactoryOptions {
  readonly http: ServerOptions
  readonly keepAliveTimeout: number
  readonly requestTimeout: number
  readonly connectionTimeout: number
  readonly maxRequestsPerSocket: number
}

/**
 * Makes a server that shows these credentials. Where they name an authority, a caller without a certificate of it is let go
 * before it can say anything. Renewed credentials hold for each connection from then on.
 */
export function createServerFactory(credentials: Credentials): FastifyServerFactory<Server> {
  return (handler, options) => {
    const { http, keepAliveTimeout, requestTimeout, connectionTimeout, maxRequestsPerSocket } =
      options as unknown as FactoryOptions
    const isMutual = credentials.current().ca !== undefined
    const server = createServer(
      {
        ...http,
        keepAliveTimeout,
        requestTimeout,
        ...filesOf(credentials.current()),
        handshakeTimeout: HANDSHAKE_MS,
        requestCert: isMutual,
        rejectUnauthorized: isMutual,
      },
      handler,
    )
    server.setTimeout(connectionTimeout)
    server.maxRequestsPerSocket = maxRequestsPerSocket
    credentials.onRenewed(material => server.setSecureContext(filesOf(material)))
    return server
  }
}

const filesOf = ({ cert, key, ca, minVersion }: Material) => ({ cert, key, minVersion, ...(ca && { ca }) })
