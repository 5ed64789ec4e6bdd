import { Readable } from 'node:stream'
import { type SwapLimits, swapRedGreen } from './swap.ts'
import { createRecoder, loadModule } from './wasm.ts'

export { PngError, type PngErrorCode } from './errors.ts'

/** Limits that hold unless others are given: what would be refused as `too-large`. */
const LIMITS: SwapLimits = { maxPixels: 100_000_000, maxBytes: 100_000_000 }

let recoder: ReturnType<typeof createRecoder> | undefined

/**
 * Exchanges red and green in a PNG: a whole file in, a whole file out.
 *
 * Every sample, the dimensions, depth, interlacing, filters, animation and chunks stay; a palette image gets another
 * palette, a grey one comes back byte for byte. Rejects with `PngError`: `not-a-png`, `broken`, or `too-large` beyond
 * the limits (100 million pixels, 100 MB unless said). All work is done where it is called, which a large image
 * holds up for long.
 */
export function swap(input: Uint8Array, limits?: Partial<SwapLimits>): Promise<Buffer>
/**
 * The same for a file that comes in pieces: a stream, or anything else that can be iterated. Memory does not grow with
 * the image. The output is a result only when it has ended; an error of the input, or a `PngError`, destroys it.
 */
export function swap(input: AsyncIterable<Uint8Array>, limits?: Partial<SwapLimits>): Readable
export function swap(
  input: Uint8Array | AsyncIterable<Uint8Array>,
  limits: Partial<SwapLimits> = {},
): Promise<Buffer> | Readable {
  recoder ??= createRecoder(loadModule(`${import.meta.dirname}/codec.wasm`))
  const options = { ...LIMITS, ...limits, recoder }
  if (!(input instanceof Uint8Array))
    return Readable.from(swapRedGreen(input, options), { objectMode: false })
  return collect(swapRedGreen(once(input), options))
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function collect(pieces: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
