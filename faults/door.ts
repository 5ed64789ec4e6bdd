import { randomBytes } from 'node:crypto'
import type { Deployment } from './deployment.ts'

/** After this many bytes a sender without end gives up, so that no disk is filled. */
const ENDLESS_BYTES = 500_000_000
const BOUNDARY = 'verdigris-form-1f6c0e'

/** A place where uploads come in: the form of the frontend, and the inner routes behind it. */
export interface Door {
  readonly name: 'frontend' | 'master' | 'storage'
  readonly url: string
  /** The `Content-Type` of a body; none where it does not matter. */
  readonly contentType: string
  /** What stands around the image in a body. */
  readonly before: Buffer
  readonly after: Buffer
  /** The head of a request, with further headers, a new id where it needs one. */
  head(...headers: string[]): Buffer
}

export function doorsOf({ urls, secret }: Deployment): readonly Door[] {
  const authorization = secret === undefined ? [] : [`Authorization: Bearer ${secret}`]
  const build = (
    name: Door['name'],
    path: () => string,
    before = '',
    after = '',
    contentType = '',
  ): Door => ({
    name,
    url: urls[name],
    contentType,
    before: Buffer.from(before),
    after: Buffer.from(after),
    head: (...headers) =>
      headOf('POST', path(), [
        `Host: ${new URL(urls[name]).host}`,
        ...(contentType ? [`Content-Type: ${contentType}`] : authorization),
        ...headers,
      ]),
  })
  const field = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="uploadfile"; filename="image.png"\r\nContent-Type: image/png\r\n\r\n`
  const type = `multipart/form-data; boundary=${BOUNDARY}`
  const drawId = () => randomBytes(8).readBigUInt64BE() >> 11n
  return [
    build('frontend', () => '/submitTask', field, `\r\n--${BOUNDARY}--\r\n`, type),
    build('master', () => '/new'),
    build('storage', () => `/sendImage?id=${drawId()}&state=working&create=1`),
  ]
}

/** The head of a request as it goes over the wire. */
export function headOf(method: string, path: string, headers: readonly string[]): Buffer {
  return Buffer.from(`${[`${method} ${path} HTTP/1.1`, ...headers].join('\r\n')}\r\n\r\n`)
}

/** A form of that many small fields, and no file. */
export function formOfFields(count: number): Buffer {
  const field = (_: unknown, at: number) =>
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="field${at}"\r\n\r\nvalue\r\n`
  return Buffer.from(`${Array.from({ length: count }, field).join('')}--${BOUNDARY}--\r\n`)
}

/** A piece of a chunked body. */
export function chunkOf(piece: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
}

/** The same piece, until so much went out that nobody meant to end it. */
export function* endless(piece: Buffer): Generator<Buffer> {
  for (let sent = 0; sent < ENDLESS_BYTES; sent += piece.length) yield piece
}
