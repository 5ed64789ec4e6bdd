import { inflateSync } from 'node:zlib'
import { PngError } from '../../codec/errors.ts'
import type { Layout } from '../../codec/layout.ts'
import type { ChannelPair, Recoder } from '../../codec/recoder.ts'
import type { Mutant } from './mutant.ts'
import { filterPlaces } from './picture.ts'

/** What a recoder made of a stream: bytes, or the message of a refusal. */
export interface Result {
  readonly bytes?: Buffer
  readonly refusal?: string
}

/** Without it, whether zlib minds a match further back than the window the stream claims depends on how it is asked. */
const windowBits = 15

/** The rows, where node:zlib inflates the stream to exactly as many bytes as the layout has, and all filters exist. */
export function rowsOf({ layout, zlib }: Mutant): Buffer | undefined {
  let rows: Buffer
  try {
    rows = inflateSync(zlib, {
      maxOutputLength: layout.inflatedBytes,
      chunkSize: roomFor(layout.inflatedBytes),
      windowBits,
    })
  } catch {
    return undefined
  }
  if (rows.length !== layout.inflatedBytes) return undefined
  return filterPlaces(layout).every(place => (rows[place] as number) < 5) ? rows : undefined
}

/** An output block that takes it all at once: zlib wants 64 bytes at least. */
function roomFor(bytes: number): number {
  return bytes + 64
}

/** Written apart from the code under test. */
export function exchanged(rows: Buffer, layout: Layout, [first, second]: ChannelPair): Buffer {
  const { sampleBytes, pixelBytes, passes } = layout
  const out = Buffer.from(rows)
  let at = 0
  for (const { height, width } of passes) {
    for (let row = 0; row < height; row += 1) {
      at += 1
      for (let pixel = 0; pixel < width; pixel += 1, at += pixelBytes) {
        const one = at + first * sampleBytes
        const other = at + second * sampleBytes
        for (let byte = 0; byte < sampleBytes; byte += 1) {
          out[one + byte] = rows[other + byte] as number
          out[other + byte] = rows[one + byte] as number
        }
      }
    }
  }
  return out
}

export function recode(recoder: Recoder, { layout, channels, pieces }: Mutant): Promise<Result> {
  return resultOf(recoder.recode(layout, channels as ChannelPair, given(pieces)))
}

export function verify(recoder: Recoder, { layout, pieces }: Mutant): Promise<Result> {
  return resultOf(recoder.verify(layout, given(pieces)))
}

async function* given(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces
}

/** Anything but a refusal as broken comes through. */
async function resultOf(pieces: AsyncIterable<Uint8Array>): Promise<Result> {
  const came: Uint8Array[] = []
  try {
    for await (const piece of pieces) came.push(piece)
  } catch (error) {
    if (error instanceof PngError && error.code === 'broken') return { refusal: error.message }
    throw error
  }
  return { bytes: Buffer.concat(came) }
}

/** What a whole zlib stream of about `bytes` bytes inflates to; undefined where it is none, or has bytes behind its end. */
export function inflated(zlib: Buffer, bytes: number): Buffer | undefined {
  try {
    const came = inflateSync(zlib, { info: true, chunkSize: roomFor(bytes) }) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    return came.engine.bytesWritten === zlib.length ? came.buffer : undefined
  } catch {
    return undefined
  }
}
