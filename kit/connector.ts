import { buildConnector, type Pool } from 'undici'
import type { Credentials, Material } from './credentials.ts'

export type Scheme = 'http' | 'https'
/** How a peer is spoken to. */
export const schemeOf = (credentials: Credentials | undefined): Scheme =>
  credentials === undefined ? 'http' : 'https'

/** No connection came about, since the other side's certificate is not believed, or it speaks no TLS. */
export class HandshakeError extends Error {
  override readonly name = 'HandshakeError'
  readonly code = 'EHANDSHAKE'
}

/**
 * How a client connects: with credentials it shows its certificate, and goes on only if the other side's is of their
 * authority, still holds, and is for the host it was reached at; else a `HandshakeError`. Renewed credentials hold for each
 * connection from then on.
 */
export function createConnector(
  credentials: Credentials | undefined,
  timeoutMs: number,
): NonNullable<Pool.Options['connect']> {
  if (credentials === undefined) return { timeout: timeoutMs }
  const connectorOf = ({ context }: Material) =>
    // A handshake that is shortened by an earlier one does not look at the certificate.
    buildConnector({ timeout: timeoutMs, secureContext: context, maxCachedSessions: 0 })
  let used = credentials.current()
  let connect = connectorOf(used)
  return (options, callback) => {
    const material = credentials.current()
    if (material !== used) connect = connectorOf(material)
    used = material
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, socket)
      else callback(asHandshakeError(error), null)
    })
  }
}

/** What went wrong below TLS stays what it is. */
function asHandshakeError(error: Error): Error {
  const { code = '', message } = error as NodeJS.ErrnoException
  return /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code)
    ? error
    : new HandshakeError(code || message, { cause: error })
}
