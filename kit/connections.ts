import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { createAdmission } from './admission.ts'
import type { ServiceError } from './errors.ts'
import { createPacer, LOOKS, type Pace, type Pacer } from './pace.ts'

export interface ConnectionOptions {
  /** Most connections at once. A sixteenth more may ask for /health, and for nothing else. */
  readonly most: number
  /** What a reader must manage while something waits for it to be taken. */
  readonly readerPace: Pace
}

interface Connection {
  /** Requests under way on it. */
  calls: number
  /** Why it gets nothing but /health: it came when there was no room. */
  refusal: ServiceError | undefined
  leave(): void
  readonly pacer: Pacer
  /** Bytes that its reader has taken whole, and those of a write in the middle that are still to be taken. */
  taken: number
  queued: number
}

/**
 * Holds the connections of an app to a number, and cuts those whose reader takes too little. When it is full, the connection
 * that has been without a request for longest makes room; only if there is none, the new one is refused.
 */
export function addConnectionLimits(app: FastifyInstance, { most, readerPace }: ConnectionOptions): void {
  const admission = createAdmission({ most, message: 'The service has too many connections.' })
  /** In order of their last request. */
  const all = new Map<Socket, Connection>()

  const end = (socket: Socket, connection: Connection) => {
    all.delete(socket)
    connection.leave()
    socket.destroy()
  }
  const makeRoom = () => {
    for (const [socket, connection] of all) if (connection.calls === 0) return end(socket, connection)
  }
  const enter = (connection: Connection) => {
    try {
      connection.leave = admission.enter(1)
      connection.refusal = undefined
    } catch (error) {
      connection.refusal = error as ServiceError
    }
  }

  app.server.maxConnections = most + Math.ceil(most / 16)
  // Of TLS the connection inside it, which is the one that requests name.
  const event = app.server instanceof TlsServer ? 'secureConnection' : 'connection'
  app.server.on(event, (socket: Socket) => {
    if (admission.underWay() >= most) makeRoom()
    const pacer = createPacer(readerPace)
    const connection: Connection = { calls: 0, refusal: undefined, leave() {}, pacer, taken: 0, queued: 0 }
    enter(connection)
    all.set(socket, connection)
    socket.once('close', () => end(socket, connection))
  })

  app.addHook('onRequest', async (request, reply) => {
    const { socket } = request.raw
    const connection = all.get(socket)
    if (connection === undefined) return
    connection.calls += 1
    reply.raw.once('close', () => {
      connection.calls -= 1
      if (all.delete(socket)) all.set(socket, connection)
    })
    if (connection.refusal === undefined || request.routeOptions.url === '/health') return
    enter(connection)
    if (connection.refusal !== undefined) throw connection.refusal
  })

  const look = () => {
    for (const [socket, connection] of all) if (isTooSlow(socket, connection)) end(socket, connection)
  }
  const timer = setInterval(look, readerPace.windowMs / LOOKS).unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

/** Whether its reader takes too little of what was written to it. One that has nothing to take is not slow. */
function isTooSlow(socket: Socket, connection: Connection): boolean {
  const taken = socket.bytesWritten - socket.writableLength
  const queued = queuedBytes(socket)
  const moved = Math.max(taken - connection.taken, connection.queued - queued, 0)
  connection.taken = taken
  connection.queued = queued
  if (socket.writableLength > 0) return connection.pacer.isTooSlow(true, moved)
  connection.pacer.reset()
  return false
}

/**
 * What is left of the write that is under way. Node counts a write as done when all of it is; this finer figure, which it uses
 * for its own socket timeouts, is not documented. Without it only a reader that takes 128 KB a window counts as one who reads.
 */
function queuedBytes(socket: Socket): number {
  return (socket as { _handle?: { writeQueueSize?: number } | null })._handle?.writeQueueSize ?? 0
}
