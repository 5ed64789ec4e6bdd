import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** How long a delayed request is kept, in ms. */
export const DELAY_MS = 5_000

/**
 * What can become of a request on its way: it comes late; the connection is reset, or half closed, in the middle of its
 * body; its answer is reset, or ends, in the middle; it is sent twice, and the caller gets the first answer, or the second.
 */
export const troubles = [
  'delay',
  'reset upload',
  'half-close',
  'reset reply',
  'truncated reply',
  'twice',
  'again',
] as const
export type Trouble = (typeof troubles)[number]

/** What waits for its request. */
interface Strike {
  readonly trouble: Trouble
  readonly fits: (line: string) => boolean
  /** Said once it has happened. */
  readonly struck: () => void
}

/** Stands before a service, passes everything on, and brings trouble to single requests when it is told to. */
export interface Detour {
  /** Resolves once the next request whose first line (`POST /newTask?id=1 HTTP/1.1`) fits has had that trouble. */
  strike(trouble: Trouble, fits: Strike['fits']): Promise<void>
  close(): void
}

export interface DetourOptions {
  readonly host: string
  readonly port: number
  readonly to: { readonly host: string; readonly port: number }
}

/** Listens from the next turn on. */
export function openDetour({ host, port, to }: DetourOptions): Detour {
  const waiting: Strike[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    return socket.on('error', () => {}).once('close', () => sockets.delete(socket))
  }
  const dial = () => keep(connect({ ...to, allowHalfOpen: true, noDelay: true }))
  const take = (line: string) => {
    const at = waiting.findIndex(({ fits }) => fits(line))
    return at === -1 ? undefined : waiting.splice(at, 1)[0]
  }
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client =>
    carry(keep(client), dial, take),
  )
  server.listen(port, host)
  return {
    strike: (trouble, fits) => new Promise(struck => waiting.push({ trouble, fits, struck })),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** Carries one connection: its requests come one after the other, each as soon as the one before is answered. */
function carry(client: Socket, dial: () => Socket, take: (line: string) => Strike | undefined): void {
  let server = dial()
  let strike: Strike | undefined
  /** Bytes that still go through before it strikes. */
  let left = 0
  let sent: Buffer[] = []
  const over = () => {
    strike?.struck()
    strike = undefined
    sent = []
  }
  const reset = () => {
    client.resetAndDestroy()
    server.resetAndDestroy()
  }
  /** Passes on what is left, and does `end` when that was all. */
  const passUpTo = (piece: Buffer, from: Socket, to: Socket, end: () => void) => {
    pass(piece.subarray(0, left), from, to)
    left -= Math.min(left, piece.length)
    if (left > 0) return
    end()
    over()
  }

  const onRequest = (piece: Buffer) => {
    const line = requestLine(piece)
    if (line !== undefined && strike === undefined) {
      strike = take(line)
      left = halfOf(piece)
    }
    switch (strike?.trouble) {
      case 'delay':
        client.pause()
        void delay(DELAY_MS).then(() => {
          pass(piece, client, server)
          client.resume()
        })
        return over()
      case 'reset upload':
        return passUpTo(piece, client, server, reset)
      case 'half-close':
        return passUpTo(piece, client, server, () => {
          client.off('data', onRequest).resume()
          server.end()
        })
    }
    if (strike !== undefined) sent.push(piece)
    left = 0
    pass(piece, client, server)
  }

  const onReply = (piece: Buffer) => {
    if ((strike?.trouble === 'reset reply' || strike?.trouble === 'truncated reply') && left === 0)
      left = halfOf(piece)
    switch (strike?.trouble) {
      case 'reset reply':
        return passUpTo(piece, server, client, reset)
      case 'truncated reply':
        return passUpTo(piece, server, client, () => {
          client.end()
          server.destroy()
        })
      case 'twice': {
        const second = dial()
        second.once('data', () => second.destroy()).write(Buffer.concat(sent))
        over()
        break
      }
      case 'again':
        server.off('data', onReply).off('close', onClose).destroy()
        server = listen(dial())
        server.write(Buffer.concat(sent))
        return over()
    }
    pass(piece, server, client)
  }
  const onClose = () => client.destroy()
  const listen = (socket: Socket) =>
    socket
      .on('data', onReply)
      .on('end', () => client.end())
      .on('close', onClose)

  client
    .on('data', onRequest)
    .on('end', () => server.end())
    .on('close', () => server.destroy())
  listen(server)
}

function pass(piece: Buffer, from: Socket, to: Socket): void {
  if (to.writable && !to.write(piece)) {
    from.pause()
    to.once('drain', () => from.resume())
  }
}

const requestLine = (piece: Buffer) =>
  /^(?:GET|POST|DELETE) [^\r]+/.exec(piece.toString('latin1', 0, 500))?.[0]

/** How many bytes of the message that begins here go by until half of its body has; its head, when no length is said. */
function halfOf(first: Buffer): number {
  const end = first.indexOf('\r\n\r\n')
  const head = end === -1 ? first.length : end + 4
  const length = /\r\ncontent-length: *(\d+)/i.exec(first.toString('latin1', 0, head))?.[1]
  return head + Math.floor(Number(length ?? 0) / 2)
}
