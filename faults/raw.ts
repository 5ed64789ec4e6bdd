import { connect } from 'node:net'

/** How long somebody waits for the end of a connection, in ms; then he hangs up. */
const PATIENCE_MS = 10_000

export interface RawOptions {
  /**
   * After how long a silence somebody says that he has nothing more to say, in ms: for what may be no whole request, or
   * several. Unless said he hangs up when he has an answer.
   */
  readonly halfCloseMs?: number
}

/** What came back for some bytes. */
export interface Heard {
  /** Of each answer, in order. */
  readonly statuses: readonly number[]
  /** All of it, a character a byte. */
  readonly text: string
  /** `held`: the other side neither ended nor answered in time; `unreached`: nobody listens. */
  readonly end: 'closed' | 'held' | 'unreached'
}

/** The bytes of a request, as whoever writes them wants them. */
export interface Raw {
  readonly method: string
  /** With the query, as it is sent. */
  readonly target: string
  /** Whole lines beside `Host` and `Connection`. */
  readonly lines?: readonly string[]
  readonly body?: Buffer
}

/** A request that asks for the connection's end. Characters above 0xff are sent as UTF-8. */
export function rawRequest(url: string, { method, target, lines = [], body }: Raw): Buffer {
  const hasHost = lines.some(line => /^host:/i.test(line))
  const head = [
    `${method} ${target} HTTP/1.1`,
    ...(hasHost ? [] : [`Host: ${new URL(url).host}`]),
    'Connection: close',
    ...lines,
    ...(body ? [`Content-Length: ${body.length}`] : []),
    '',
    '',
  ].join('\r\n')
  return Buffer.concat([Buffer.from(head), body ?? Buffer.alloc(0)])
}

/** The header line that shows a secret; none where there is none. */
export const secretLine = (secret: string | undefined) =>
  secret === undefined ? [] : [`Authorization: Bearer ${secret}`]

/** Says these bytes on a connection of their own, and nothing more, and hears what comes. Never rejects. */
export function sendRaw(url: string, bytes: Buffer, { halfCloseMs }: RawOptions = {}): Promise<Heard> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    let text = ''
    let end: Heard['end'] = 'closed'
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const patience = setTimeout(() => {
      end = 'held'
      socket.destroy()
    }, PATIENCE_MS)
    if (halfCloseMs !== undefined) socket.setTimeout(halfCloseMs, () => socket.end())
    socket
      .setEncoding('latin1')
      .on('data', piece => {
        text += piece
        if (halfCloseMs === undefined && isWhole(text)) socket.destroy()
      })
      .on('error', error => {
        if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') end = 'unreached'
      })
      .on('close', () => {
        clearTimeout(patience)
        resolve({ statuses: statusesIn(text), text, end })
      })
    socket.write(bytes)
  })
}

/** True for an answer that says its length and has come. */
function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  const length = /\r\ncontent-length: ([0-9]+)\r\n/i.exec(text.slice(0, end + 2))?.[1]
  return end > 0 && length !== undefined && text.length >= end + 4 + Number(length)
}

/** The body of an answer may not begin like one: ours are text, JSON or PNGs. */
function statusesIn(text: string): number[] {
  return [...text.matchAll(/(?:^|\n)HTTP\/1\.[01] ([1-5][0-9]{2}) /g)].map(found => Number(found[1]))
}
