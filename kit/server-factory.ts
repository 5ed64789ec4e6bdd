import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
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
 * Makes the one server of an app: left to itself, Fastify opens a second one for the other address of `localhost`, of whose connections
 * nobody would know. With credentials it shows those; where they name an authority, a caller without a certificate of it is let go
 * before it can say anything. Renewed credentials hold for each connection from then on.
 */
export function createServerFactory(credentials?: Credentials): FastifyServerFactory<Server> {
  return (handler, options) => {
    const { http, keepAliveTimeout, requestTimeout, connectionTimeout, maxRequestsPerSocket } =
      options as unknown as FactoryOptions
    const limits = { ...http, keepAliveTimeout, requestTimeout }
    const server =
      credentials === undefined
        ? createServer(limits, handler)
        : openSecureServer(credentials, limits, handler)
    server.setTimeout(connectionTimeout)
    server.maxRequestsPerSocket = maxRequestsPerSocket
    return server
  }
}

function openSecureServer(credentials: Credentials, limits: ServerOptions, handler: RequestListener): Server {
  const isMutual = credentials.current().ca !== undefined
  const server = createSecureServer(
    {
      ...limits,
      ...filesOf(credentials.current()),
      handshakeTimeout: HANDSHAKE_MS,
      requestCert: isMutual,
      rejectUnauthorized: isMutual,
    },
    handler,
  )
  credentials.onRenewed(material => server.setSecureContext(filesOf(material)))
  return server
}

const filesOf = ({ cert, key, ca, minVersion }: Material) => ({ cert, key, minVersion, ...(ca && { ca }) })
