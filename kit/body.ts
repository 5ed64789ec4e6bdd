import { Readable } from 'node:stream'
import type { Bytes } from './contract.ts'
import { ServiceError } from './errors.ts'
import { createPacer, LOOKS, type Pace } from './pace.ts'

/** Bodies up to this many bytes are collected and handled whole: they can be sent again, and written at once. */
export const SMALL_BODY_BYTES = 64 * 1024

export interface BodyLimits {
  /** Most bytes a body may have; more is `too-large`. */
  readonly maxBytes: number
  /** What its sender must manage; less is `request-timeout`. */
  readonly pace: Pace
}

/**
 * A stream of what `source` gives, that counts and times it. Ending or destroying this stream leaves `source` open, so
 * that a refusal can still be answered on its socket. A sender that breaks off makes it fail with `bad-request`.
 */
export function guardBody(source: Readable, limits: BodyLimits): Readable {
  let seen = 0
  let judged = 0
  const guarded = new Readable({
    // The source behind it buffers already.
    highWaterMark: SMALL_BODY_BYTES,
    read() {
      source.resume()
    },
    destroy(error, done) {
      clearInterval(timer)
      source.pause()
      source.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      source.on('error', unheard)
      done(error)
    },
  })
  const pacer = createPacer(limits.pace)
  const timer = setInterval(() => {
    const isTooSlow = pacer.isTooSlow(!source.isPaused(), seen - judged)
    judged = seen
    if (isTooSlow) guarded.destroy(tooSlow())
  }, limits.pace.windowMs / LOOKS)
  const onData = (piece: Buffer) => {
    seen += piece.length
    if (seen > limits.maxBytes) {
      guarded.destroy(new ServiceError('too-large', `The body is larger than ${limits.maxBytes} bytes.`))
    } else if (!guarded.push(piece)) source.pause()
  }
  const onEnd = () => {
    clearInterval(timer)
    source.off('close', onClose)
    guarded.push(null)
  }
  const onClose = () =>
    guarded.destroy(new ServiceError('bad-request', 'The sender broke off in the middle of the body.'))
  source.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  source.pause()
  return guarded.on('error', unheard)
}

/**
 * For the `error` of a stream that lies between two readers: whoever reads on gets it there; before that, or when nobody
 * reads, it must not end the process.
 */
export const unheard = () => {}

/** The refusal of a sender that does not keep the pace. */
export const tooSlow = () => new ServiceError('request-timeout', 'The request came too slowly.')

/**
 * Reads all of a stream, at most `maxBytes`; more is `too-large`. By its events: an iterator, which tells the same, costs as much
 * as all else that is done for a small answer.
 */
export function collect(stream: Readable, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let length = 0
    const breakOff = () => reject(stream.errored ?? new Error('The stream broke off.'))
    if (stream.destroyed) return breakOff()
    stream
      .on('data', (piece: Buffer) => {
        length += piece.length
        pieces.push(piece)
        if (length <= maxBytes) return
        reject(new ServiceError('too-large', `The body is larger than ${maxBytes} bytes.`))
        stream.destroy()
      })
      .once('end', () => resolve(pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, length)))
      .on('error', reject)
      .once('close', breakOff)
  })
}

/**
 * Looks at the first `count` bytes of a body without losing them: gives those (fewer when the body is shorter) and the
 * whole body again.
 */
export async function peek(body: Bytes, count: number): Promise<{ first: Buffer; body: Bytes }> {
  if (Buffer.isBuffer(body.data)) return { first: body.data.subarray(0, count), body }
  const stream = body.data.on('error', unheard)
  const pieces = stream.iterator({ destroyOnReturn: false })
  let first: Buffer = Buffer.alloc(0)
  for (;;) {
    const next = await pieces.next()
    if (next.done) return { first, body: { data: first, length: first.length } }
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value])
    if (first.length >= count) break
  }
  await pieces.return?.()
  stream.unshift(first)
  return { first: first.subarray(0, count), body: { data: stream, length: body.length } }
}

/** Lets go of a body that nobody wants: an unread answer would hold its connection. */
export function discard(body: Bytes | undefined): void {
  if (body !== undefined && !Buffer.isBuffer(body.data)) body.data.on('error', unheard).destroy()
}
