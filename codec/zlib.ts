import { crc32, createDeflate, createInflate, deflateSync, inflateSync } from 'node:zlib'
import { broken } from './errors.ts'
import type { Layout } from './layout.ts'
import { Pump } from './pump.ts'
import type { ChannelPair, Recoder } from './recoder.ts'
import { Rows, tooManyBytes } from './rows.ts'

/**
 * Up to this many inflated bytes the work is done on the event loop: starting a thread's stream would cost
 * more. The bound takes in an icon of 128 x 128 pixels with alpha, which has 65,664.
 */
const LOOP_BYTES = 66_000

/**
 * Log2 of the window that matches may reach back into, whatever the stream says of its own. Left to the stream, zlib
 * looks at that only where its output block ends within reach of the match: the same stream would be refused in a large
 * image and taken in a small one.
 */
const INFLATE_WINDOW_BITS = 15

const INFLATE_COLLECT_BYTES = 16 * 1024
const DEFLATE_COLLECT_BYTES = 64 * 1024
const OUTPUT_BYTES = 64 * 1024

/** Settings of the node:zlib recoder. */
export interface ZlibRecoderOptions {
  /** Level of the new zlib streams, 1 (fast) to 9 (small). */
  readonly level?: number
}

/** On photographs 4 takes a fifth more time than 1 and saves more than half of what there is to save (bench/README.md). */
export const DEFAULT_LEVEL = 4

/**
 * The recoder on node:zlib. Work beyond `LOOP_BYTES` of pixels runs on libuv's threads; on the event loop
 * remains the exchange itself, at most 64 KB at a time.
 */
export function createZlibRecoder(options: ZlibRecoderOptions = {}): Recoder {
  const level = options.level ?? DEFAULT_LEVEL
  return {
    recode: (layout, channels, zlib) => recode(layout, channels, zlib, level),
    verify,
    crc32,
  }
}

async function* recode(
  layout: Layout,
  channels: ChannelPair,
  zlib: AsyncIterable<Uint8Array>,
  level: number,
): AsyncGenerator<Buffer> {
  const rows = new Rows(layout, channels)
  const inflate = inflatePump(layout)
  const deflate = deflatePump(layout, level)
  try {
    for await (const inflated of inflatedPieces(inflate, zlib)) yield* deflate.write(rows.walk(inflated))
    rows.end()
    yield* deflate.end()
  } catch (error) {
    throw refusal(error, layout)
  } finally {
    inflate.destroy()
    deflate.destroy()
  }
}

async function* inflatedPieces(inflate: Pump, zlib: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const piece of zlib) yield* inflate.write(piece)
  yield* inflate.end()
}

async function* verify(layout: Layout, zlib: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const rows = new Rows(layout)
  const inflate = inflatePump(layout)
  try {
    for await (const piece of zlib) {
      for await (const inflated of inflate.write(piece)) rows.walk(inflated)
      yield piece
    }
    for await (const inflated of inflate.end()) rows.walk(inflated)
    rows.end()
  } catch (error) {
    throw refusal(error, layout)
  } finally {
    inflate.destroy()
  }
}

function inflatePump(layout: Layout): Pump {
  const isSmall = layout.inflatedBytes <= LOOP_BYTES
  return new Pump({
    open: () => createInflate({ chunkSize: OUTPUT_BYTES, windowBits: INFLATE_WINDOW_BITS }),
    once: isSmall
      ? whole =>
          inflateSync(whole, {
            maxOutputLength: layout.inflatedBytes,
            chunkSize: roomFor(layout),
            windowBits: INFLATE_WINDOW_BITS,
          })
      : undefined,
    collectBytes: isSmall ? LOOP_BYTES : INFLATE_COLLECT_BYTES,
  })
}

function deflatePump(layout: Layout, level: number): Pump {
  const windowBits = windowBitsFor(layout.inflatedBytes)
  // zlib's symbol buffer then holds one block of as many bytes as the window; 9, the most, is also the
  // fastest.
  const options = { level, windowBits, memLevel: windowBits - 6 }
  const isSmall = layout.inflatedBytes <= LOOP_BYTES
  return new Pump({
    open: () => createDeflate({ ...options, chunkSize: OUTPUT_BYTES }),
    once: isSmall ? whole => deflateSync(whole, { ...options, chunkSize: roomFor(layout) }) : undefined,
    collectBytes: isSmall ? Number.POSITIVE_INFINITY : DEFLATE_COLLECT_BYTES,
  })
}

/** An output block that takes a small image at once; zlib wants at least 64 bytes. */
function roomFor(layout: Layout): number {
  return layout.inflatedBytes + 64
}

/** The smallest window that spans `bytes`, as log2: an icon needs no 32 KB of history set up for it. */
function windowBitsFor(bytes: number): number {
  return Math.min(15, Math.max(9, Math.ceil(Math.log2(bytes))))
}

/**
 * node:zlib's errors about the data, in words for whoever sent the file; any other error stays what it is.
 */
function refusal(error: unknown, layout: Layout): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ERR_BUFFER_TOO_LARGE':
      return tooManyBytes(layout)
    case 'Z_BUF_ERROR':
      return broken('the image data ends before its zlib stream does')
    case 'Z_NEED_DICT':
      return broken('the image data is no valid zlib stream: it asks for a preset dictionary')
    case 'Z_DATA_ERROR':
      return broken(
        error.message === 'incorrect data check'
          ? 'the image data does not match its Adler-32 checksum'
          : `the image data is no valid zlib stream: ${error.message}`,
      )
    default:
      return error
  }
}
