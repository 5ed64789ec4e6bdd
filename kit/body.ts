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
  /** Called behind its last byte: a stream of it ends once that resolves, and fails with what it rejects with. */
  readonly onEnd?: () => Promise<void>
}

/** Who hears what a sender gives. */
interface Hearer {
  /** A piece of the body; false when no more is wanted for now. */
  piece(piece: Buffer): boolean
  end(): void
  fail(error: ServiceError): void
}

/** Counts and times what `source` gives, once it is resumed; what it gives lets go of the source, and leaves it open. */
function hear(source: Readable, { maxBytes, pace }: BodyLimits, hearer: Hearer): () => void {
  let seen = 0
  let judged = 0
  const pacer = createPacer(pace)
  const timer = setInterval(() => {
    const isTooSlow = pacer.isTooSlow(!source.isPaused(), seen - judged)
    judged = seen
    if (isTooSlow) hearer.fail(tooSlow())
  }, pace.windowMs / LOOKS)
  const onData = (piece: Buffer) => {
    seen += piece.length
    if (seen > maxBytes) hearer.fail(tooLarge(maxBytes))
    else if (!hearer.piece(piece)) source.pause()
  }
  const onEnd = () => {
    clearInterval(timer)
    source.off('close', onClose)
    hearer.end()
  }
  const onClose = () =>
    hearer.fail(new ServiceError('bad-request', 'The sender broke off in the middle of the body.'))
  source.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  source.pause()
  // Nothing is told of it any more.
  if (source.destroyed && !source.readableEnded) process.nextTick(onClose)
  return () => {
    clearInterval(timer)
    source.pause()
    source.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
    source.on('error', unheard)
  }
}

/**
 * A stream of what `source` gives, that counts and times it. Ending or destroying this stream leaves `source` open, so
 * that a refusal can still be answered on its socket. A sender that breaks off makes it fail with `bad-request`.
 */
export function guardBody(source: Readable, limits: BodyLimits): Readable {
  const guarded = new Readable({
    // The source behind it buffers already.
    highWaterMark: SMALL_BODY_BYTES,
    read() {
      source.resume()
    },
    destroy(error, done) {
      letGo()
      done(error)
    },
  })
  const letGo = hear(source, limits, {
    piece: piece => guarded.push(piece),
    end() {
      if (limits.onEnd === undefined) guarded.push(null)
      else
        limits.onEnd().then(
          () => guarded.push(null),
          error => guarded.destroy(error),
        )
    },
    fail: error => guarded.destroy(error),
  })
  return guarded.on('error', unheard)
}

/** All that `source` gives, counted and timed in the same way: for small bodies, without a stream of their own. */
export function collectBody(source: Readable, limits: BodyLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    const letGo = hear(source, limits, {
      piece: piece => pieces.push(piece) > 0,
      end() {
        letGo()
        resolve(joined(pieces))
      },
      fail(error) {
        letGo()
        reject(error)
      },
    })
    source.resume()
  })
}

/**
 * For the `error` of a stream that lies between two readers: whoever reads on gets it there; before that, or when nobody
 * reads, it must not end the process.
 */
export const unheard = () => {}

/** The refusal of a sender that does not keep the pace. */
export const tooSlow = () => new ServiceError('request-timeout', 'The request came too slowly.')

const tooLarge = (maxBytes: number) =>
  new ServiceError('too-large', `The body is larger than ${maxBytes} bytes.`)

/** The one there is, most of the time; it is not copied. */
const joined = (pieces: readonly Buffer[]): Buffer =>
  pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces)

/**
 * All of a body, which may have at most `maxBytes`; more is `too-large`. A stream is read by its events: an iterator, which tells
 * the same, costs more than a small answer is worth.
 */
export function collect(stream: Buffer | Readable, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Buffer.isBuffer(stream))
      return stream.length > maxBytes ? reject(tooLarge(maxBytes)) : resolve(stream)
    const pieces: Buffer[] = []
    let length = 0
    const breakOff = () => reject(stream.errored ?? new Error('The stream broke off.'))
    if (stream.destroyed) return breakOff()
    stream
      .on('data', (piece: Buffer) => {
        length += piece.length
        pieces.push(piece)
        if (length <= maxBytes) return
        reject(tooLarge(maxBytes))
        stream.destroy()
      })
      .once('end', () => {
        stream.off('close', breakOff)
        resolve(joined(pieces))
      })
      .on('error', reject)
      .once('close', breakOff)
  })
}

/** What comes in pieces as a body: whole when it has at most `wholeBytes`, a stream of all of it otherwise. */
export async function gather(source: AsyncIterable<Buffer>, wholeBytes = SMALL_BODY_BYTES): Promise<Bytes> {
  const iterator = source[Symbol.asyncIterator]()
  const pieces: Buffer[] = []
  for (let length = 0; length <= wholeBytes; ) {
    const next = await iterator.next()
    if (next.done) return { data: joined(pieces), length }
    pieces.push(next.value)
    length += next.value.length
  }
  const stream = Readable.from({ [Symbol.asyncIterator]: () => iterator }, { objectMode: false })
  stream.unshift(joined(pieces))
  return { data: stream }
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
