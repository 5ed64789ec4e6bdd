import { join } from 'node:path'
import { crc32, inflateSync } from 'node:zlib'
import { chunkOf as chunkWith } from '../../codec/chunks.ts'
import { PngError, type PngErrorCode } from '../../codec/errors.ts'
import { SIGNATURE } from '../../codec/header.ts'
import type { Recoder } from '../../codec/recoder.ts'
import { type SwapOptions, swapRedGreen } from '../../codec/swap.ts'
import { createWasmRecoder, loadModule } from '../../codec/wasm.ts'
import { createZlibRecoder } from '../../codec/zlib.ts'

/** The built module; tests run built, from dist/test/codec. */
export const MODULE = join(import.meta.dirname, '../../codec/codec.wasm')

/** The recoder that the tests of the codec run on; test/codec/second.test.ts runs them on the other. */
export const recoder = process.env.RECODER === 'zlib' ? createZlibRecoder() : wasmRecoder()

export const LIMITS: SwapOptions = { recoder, maxPixels: 1_000_000, maxBytes: 4_000_000 }

/** Numbers as four-byte unsigned integers. */
export function uint32(...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(4 * numbers.length)
  numbers.forEach((number, index) => {
    bytes.writeUInt32BE(number, 4 * index)
  })
  return bytes
}

/** A whole chunk, its CRC from node:zlib. */
export function chunkOf(type: string, ...data: readonly Uint8Array[]): Buffer {
  return chunkWith(crc32, type, ...data)
}

export interface Shape {
  width: number
  height: number
  bitDepth?: number
  colourType?: number
  interlace?: number
}

/** The data of an IHDR chunk; RGB with 8 bits unless said otherwise. */
export function ihdr({ width, height, bitDepth = 8, colourType = 2, interlace = 0 }: Shape): Buffer {
  return Buffer.concat([uint32(width, height), Buffer.from([bitDepth, colourType, 0, 0, interlace])])
}

/** A file of the given chunks between signature with IHDR and IEND. */
export function png(shape: Shape, ...chunks: Buffer[]): Buffer {
  return Buffer.concat([SIGNATURE, chunkOf('IHDR', ihdr(shape)), ...chunks, chunkOf('IEND')])
}

/** Rows of made-up bytes, each behind a filter byte: the filters take turns. */
export function rowsOf(height: number, rowBytes: number, seed = 1): Buffer {
  const random = randomOf(seed)
  const rows = Buffer.alloc(height * (1 + rowBytes))
  for (let at = 0; at < rows.length; at += 1) {
    rows[at] = at % (1 + rowBytes) === 0 ? (at / (1 + rowBytes)) % 5 : random(256)
  }
  return rows
}

/** A seeded source of integers from 0 up to, and without, `below`. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

export async function* inPieces(bytes: Uint8Array, size = 65536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The whole result of a swap. */
export async function swap(
  bytes: Uint8Array,
  options: Partial<SwapOptions> = {},
  size?: number,
): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of swapRedGreen(inPieces(bytes, size), { ...LIMITS, ...options })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Why a swap was refused, as `code: message`; anything but a PngError comes through. */
export async function refusalOf(bytes: Uint8Array, options: Partial<SwapOptions> = {}): Promise<string> {
  try {
    await swap(bytes, options)
  } catch (error) {
    if (error instanceof PngError) return `${error.code satisfies PngErrorCode}: ${error.message}`
    throw error
  }
  return 'accepted'
}

/** All chunks of a file, in order. */
export function chunksOf(file: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = []
  for (let at = SIGNATURE.length; at < file.length; ) {
    const length = file.readUInt32BE(at)
    chunks.push({
      type: file.toString('latin1', at + 4, at + 8),
      data: file.subarray(at + 8, at + 8 + length),
    })
    at += 12 + length
  }
  return chunks
}

/** The inflated bytes of a file's IDAT chunks. */
export function rowsIn(file: Buffer): Buffer {
  const data = chunksOf(file).filter(chunk => chunk.type === 'IDAT')
  return inflateSync(Buffer.concat(data.map(chunk => chunk.data)))
}

/** The chunk with its CRC made wrong. */
export function damaged(chunk: Buffer): Buffer {
  const copy = Buffer.from(chunk)
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1
  return copy
}

export function wasmRecoder(): Recoder {
  const module = loadModule(MODULE)
  if (module === undefined) throw new Error('this machine has no SIMD')
  return createWasmRecoder(module)
}
