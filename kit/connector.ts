import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
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

/** A connection came about, and nothing was sent over it, since it is not known whose it is. */
export class StrangerError extends Error {
  override readonly name = 'StrangerError'
  readonly code = 'ESTRANGER'
}

/** A connection ended under an answer that nobody had read to its end. */
export class BrokenOffError extends Error {
  override readonly name = 'BrokenOffError'
  readonly code = 'EBROKENOFF'
}

/** What connections that did not come about failed with. */
const unused = new WeakSet<object>()

/** True when a request surely never reached the other side: there was no connection that it could have been sent over. */
export function isConnectFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  // undici's own: whoever was asked has been let go of.
  return unused.has(error) || (error as NodeJS.ErrnoException).code === 'UND_ERR_CLOSED'
}

/**
 * How a client connects: with credentials it shows its certificate, and goes on only if the other side's is of their
 * authority, still holds, and is for the host it was reached at; else a `HandshakeError`. Renewed credentials hold for each
 * connection from then on.
 */
export function createConnector(
  credentials: Credentials | undefined,
  timeoutMs: number,
): buildConnector.connector {
  if (credentials === undefined) return buildConnector({ timeout: timeoutMs })
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

/**
 * The same, but a connection that came about is not used before `confirm` says that whoever is at its other end is still who it
 * should be: nothing is sent over it when that rejects.
 */
export function confirmed(
  connect: buildConnector.connector,
  confirm: () => Promise<void>,
): buildConnector.connector {
  return (options, callback) => {
    const fail = (error: Error) => {
      unused.add(error)
      callback(error, null)
    }
    connect(options, (...[error, socket]) => {
      if (error !== null) return fail(error)
      // It has no other reader of its errors until it is handed over.
      const letGo = () => void socket.destroy()
      socket.on('error', letGo)
      const refuse = (cause: unknown) => {
        socket.destroy()
        fail(new StrangerError('whoever is there now has not said who it is', { cause }))
      }
      const hand = () => {
        if (socket.destroyed) return refuse(new Error('it ended at once'))
        socket.off('error', letGo)
        handOver(socket, () => callback(null, socket))
      }
      confirm().then(hand, refuse)
    })
  }
}

/**
 * Gives undici a connection. Where one ends under an answer that is paused, since its reader is slow, undici 7 throws in an
 * event, which ends the process (nodejs/undici#5360, mended in 8 alone): here that breaks off the answer, as any other end does.
 */
function handOver(socket: Socket, give: () => void): void {
  const before = { end: socket.listeners('end'), error: socket.listeners('error') }
  give()
  for (const event of ['end', 'error'] as const) {
    const added = socket.listeners(event).filter(listener => !before[event].includes(listener))
    for (const listener of added as ((...said: unknown[]) => void)[]) {
      socket.off(event, listener)
      socket.on(event, (...said: unknown[]) => {
        try {
          listener.apply(socket, said)
        } catch (cause) {
          const error = new BrokenOffError('the connection ended under an answer', { cause })
          // One that has an error is closed already, and undici hears of this one in its place.
          if (event === 'error') listener.call(socket, error)
          else socket.destroy(error)
        }
      })
    }
  }
}

/** What went wrong below TLS stays what it is. */
function asHandshakeError(error: Error): Error {
  const { code = '', message } = error as NodeJS.ErrnoException
  return /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(code)
    ? error
    : new HandshakeError(code || message, { cause: error })
}
