import type { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { createAdmission } from './admission.ts'
import { isOutOfDescriptors } from './descriptors.ts'
import type { ServiceError } from './errors.ts'
import { limits } from './limits.ts'
import { createPacer, LOOKS, type Pace, type Pacer } from './pace.ts'

export interface ConnectionOptions {
  /** Most connections at once. A sixteenth more may ask for /health, and for nothing else. */
  readonly most: number
  /** What a reader must manage while something waits for it to be taken. */
  readonly readerPace: Pace
}

interface Connection {
  /** What requests name; with TLS the connection inside, once it is agreed on. */
  socket: Socket
  /** What the bytes go over in the end. */
  readonly outer: Socket
  /** Requests under way on it: the one that is answered, and those that wait for its end. */
  calls: number
  /** Begins with each of those, which came before the one ahead of them was answered. */
  waiting: (() => void)[]
  /** Why it gets nothing but /health: it came when there was no room. */
  refusal: ServiceError | undefined
  leave(): void
  readonly pacer: Pacer
  /** Bytes that its reader had taken when it was last looked at. */
  taken: number
}

/**
 * Holds the connections of an app to a number, and cuts those whose reader takes too little. When it is full, the connection
 * that has been without a request for longest makes room; only if there is none, the new one is refused. So it does for a request that was
 * refused for want of a file descriptor: kept connections must not keep others' files out until they are old enough to go.
 *
 * Requests on one connection are begun one after the other, so that what it may cost is what one request costs. Those that come at once
 * (RFC 9112, 9.3.2) would all be under way otherwise, and Node never closes an answer whose turn does not come before the connection ends.
 */
export function addConnectionLimits(app: FastifyInstance, { most, readerPace }: ConnectionOptions): void {
  const admission = createAdmission({ most, message: 'The service has too many connections.' })
  /** In order of their last request. */
  const all = new Map<Socket, Connection>()

  const end = (connection: Connection) => {
    all.delete(connection.socket)
    connection.leave()
    connection.waiting = []
    connection.socket.destroy()
  }
  const makeRoom = () => {
    for (const connection of all.values()) if (connection.calls === 0) return end(connection)
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
  app.server.on('connection', (socket: Socket) => {
    if (admission.underWay() >= most) makeRoom()
    const pacer = createPacer(readerPace)
    const connection: Connection = {
      socket,
      outer: socket,
      calls: 0,
      waiting: [],
      refusal: undefined,
      leave() {},
      pacer,
      taken: 0,
    }
    enter(connection)
    all.set(socket, connection)
    socket.once('close', () => end(connection))
    if (app.server instanceof TlsServer) awaitInner(connection)
  })

  // Those that are still to agree on TLS count as well, and make room first, or they would keep everyone out.
  const agreeing = new Map<string, Connection>()
  const awaitInner = (connection: Connection) => {
    const name = nameOf(connection.socket)
    agreeing.set(name, connection)
    connection.socket.once('close', () => agreeing.delete(name))
  }
  app.server.on('secureConnection', (socket: Socket) => {
    const connection = agreeing.get(nameOf(socket))
    if (connection === undefined || !all.delete(connection.socket)) return
    connection.socket = socket
    all.set(socket, connection)
  })

  app.addHook('onRequest', (request, reply, next) => {
    const { socket } = request.raw
    const connection = all.get(socket)
    if (connection === undefined) {
      // One that was ended: nobody hears what is done for it.
      if (!socket.destroyed) next()
      return
    }
    const begin = () => {
      reply.raw.on('close', () => {
        connection.calls -= 1
        if (all.delete(socket)) all.set(socket, connection)
        connection.waiting.shift()?.()
      })
      if (connection.refusal === undefined || request.routeOptions.url === '/health') return next()
      enter(connection)
      next(connection.refusal)
    }
    connection.calls += 1
    if (connection.calls === 1) begin()
    else if (connection.waiting.length === limits.requestsAhead) end(connection)
    else connection.waiting.push(begin)
  })

  app.addHook('onError', (_request, _reply, error, next) => {
    if (isOutOfDescriptors(error)) makeRoom()
    next()
  })

  const look = () => {
    for (const connection of all.values()) if (isTooSlow(connection)) end(connection)
  }
  const timer = setInterval(look, readerPace.windowMs / LOOKS).unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

/** A connection by its two ends: the same for what comes in, and for TLS inside of it. */
const nameOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket) =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`

/** Whether its reader takes too little of what was written to it. One that has nothing to take is not slow. */
function isTooSlow(connection: Connection): boolean {
  const taken = takenOf(connection)
  const moved = taken - connection.taken
  connection.taken = taken
  if (connection.socket.writableLength > 0) return connection.pacer.isTooSlow(true, moved)
  connection.pacer.reset()
  return false
}

/**
 * Bytes that the other side has taken, or this system for it. Node counts a write as done when all of it is, which says nothing
 * inside of a large one; these finer figures, which it uses itself, are not documented. Without them only a reader who takes
 * 128 KB a window counts as one who reads.
 */
function takenOf({ socket, outer }: Connection): number {
  const { bytesWritten = 0, writeQueueSize = 0 } = (outer as { _handle?: Handle | null })._handle ?? {}
  return bytesWritten > 0 ? bytesWritten - writeQueueSize : socket.bytesWritten - socket.writableLength
}

interface Handle {
  readonly bytesWritten?: number
  readonly writeQueueSize?: number
}
