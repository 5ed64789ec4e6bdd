import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type ConnectionOptions, connect as connectSecurely } from 'node:tls'
import type { Test } from 'tap'

/** One bare connection: what a client says and hears, byte for byte. */
export interface Wire {
  /** Everything heard so far. */
  heard(): string
  /** Resolves with what was heard once it matches; fails when the connection ends before. */
  hears(pattern: RegExp): Promise<string>
  say(text: string | Buffer): void
  /** Resolves when the connection is closed, with the error it ended in, if any. */
  readonly closed: Promise<NodeJS.ErrnoException | undefined>
  isClosed(): boolean
  hangUp(): void
}

/** Connects to a port of this machine, by TLS when it is told how; the connection ends with the test. */
export async function openWire(t: Test, port: number, secure?: ConnectionOptions): Promise<Wire> {
  const place = { host: '127.0.0.1', port, noDelay: true }
  const socket = secure === undefined ? connect(place) : connectSecurely({ ...secure, ...place })
  let heard = ''
  let failure: NodeJS.ErrnoException | undefined
  socket.setEncoding('latin1').on('data', piece => {
    heard += piece
  })
  socket.on('error', error => {
    failure = error
  })
  const closed = new Promise<typeof failure>(resolve => {
    socket.on('close', () => resolve(failure))
  })
  t.teardown(() => socket.destroy())
  await once(socket, secure === undefined ? 'connect' : 'secureConnect')
  return {
    heard: () => heard,
    async hears(pattern) {
      while (!pattern.test(heard)) {
        if (socket.destroyed)
          throw new Error(`the connection ended (${failure?.code ?? 'in order'}): ${heard}`)
        await Promise.race([once(socket, 'data'), closed])
      }
      return heard
    },
    say: text => void socket.write(text),
    closed,
    isClosed: () => socket.destroyed,
    hangUp: () => void socket.destroy(),
  }
}

/** Says `request` on a connection of its own, and gives the whole answer; the server has to end it. */
export async function ask(
  t: Test,
  port: number,
  request: string,
  secure?: ConnectionOptions,
): Promise<string> {
  const wire = await openWire(t, port, secure)
  wire.say(request)
  await wire.closed
  return wire.heard()
}

/** A server of no kit at all, and the requests it got: `POST /count`, ... */
export interface BareServer {
  readonly address: string
  readonly requests: string[]
  /** Takes no new connections; those under way go on. */
  stopListening(): void
  close(): Promise<void>
}

export async function openBareServer(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  port = 0,
): Promise<BareServer> {
  const requests: string[] = []
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`)
    answer(request, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = async () => {
    server.closeAllConnections()
    if (server.listening) await new Promise(resolve => server.close(resolve))
  }
  t.teardown(close)
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    requests,
    stopListening: () => void server.close(),
    close,
  }
}

/** Resolves once `holds` does; fails after 40 s. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 40_000
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`never came true: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
