import { inflateSync } from 'node:zlib'
import type { Header } from './header.ts'

/** The samples of one picture, as they stand in the file: neither scaled nor looked up in a palette. */
export interface Raster {
  readonly width: number
  readonly height: number
  /** Row by row from the top, channels interleaved: sample c of pixel x, y is at `(y * width + x) * channels + c`. */
  readonly samples: Uint8Array | Uint16Array
  /** The filter type of every row in the order of the file; of an interlaced picture pass by pass. */
  readonly filters: Uint8Array
  /** Compressed bytes after the end of the zlib stream; other decoders ignore them. */
  readonly surplusBytes: number
}

/** The pixels of one pass: the first one and the distance to the next. */
interface Pass {
  readonly x: number
  readonly y: number
  readonly dx: number
  readonly dy: number
}

const wholePicture: Pass[] = [{ x: 0, y: 0, dx: 1, dy: 1 }]
/** 8.1, Adam7. */
const adam7: Pass[] = [
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 },
]

/** Decodes the zlib stream of one picture. `header` gives the format, its width and height those of this very picture. */
export function readRaster(compressed: Buffer, header: Header): Raster {
  const { width, height, channels, bitDepth } = header
  const passes = (header.isInterlaced ? adam7 : wholePicture)
    .map(pass => ({ ...pass, columns: count(width, pass.x, pass.dx), rows: count(height, pass.y, pass.dy) }))
    .filter(pass => pass.columns > 0 && pass.rows > 0)
  const rowBytes = (columns: number) => Math.ceil((columns * channels * bitDepth) / 8)
  const expected = passes.reduce((sum, pass) => sum + pass.rows * (1 + rowBytes(pass.columns)), 0)
  const { bytes, surplusBytes } = inflate(compressed, expected)

  const sampleCount = width * height * channels
  const samples = bitDepth === 16 ? new Uint16Array(sampleCount) : new Uint8Array(sampleCount)
  const filters: number[] = []
  const bytesPerPixel = Math.max(1, (channels * bitDepth) / 8)
  let offset = 0
  for (const pass of passes) {
    const length = rowBytes(pass.columns)
    let above: Uint8Array = new Uint8Array(length)
    for (let row = 0; row < pass.rows; row++) {
      const filter = bytes[offset]!
      const line = bytes.subarray(offset + 1, offset + 1 + length)
      unfilter(filter, line, above, bytesPerPixel)
      for (let column = 0; column < pass.columns; column++) {
        const pixel = (pass.y + row * pass.dy) * width + pass.x + column * pass.dx
        for (let channel = 0; channel < channels; channel++) {
          samples[pixel * channels + channel] = sampleAt(line, column * channels + channel, bitDepth)
        }
      }
      filters.push(filter)
      above = line
      offset += 1 + length
    }
  }
  return { width, height, samples, filters: Uint8Array.from(filters), surplusBytes }
}

/** How many of 0 ... size-1 a pass that begins at `first` and goes on in steps of `step` meets. */
function count(size: number, first: number, step: number): number {
  return Math.max(0, Math.ceil((size - first) / step))
}

/** Inflates to exactly `expected` bytes, or throws. */
function inflate(compressed: Buffer, expected: number): { bytes: Buffer; surplusBytes: number } {
  let inflated: { buffer: Buffer; engine: { bytesWritten: number } }
  try {
    // With `info` the answer is an object; the types of node:zlib do not know. bytesWritten counts what was consumed.
    const options = { info: true, maxOutputLength: expected + 1, chunkSize: 1 << 20 }
    inflated = inflateSync(compressed, options) as unknown as typeof inflated
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new Error("more rows than the picture's height")
    throw new Error(`cannot inflate: ${message}`)
  }
  const { buffer, engine } = inflated
  if (buffer.length > expected) throw new Error("more rows than the picture's height")
  if (buffer.length < expected) throw new Error(`too few rows: ${buffer.length} bytes of ${expected}`)
  return { bytes: buffer, surplusBytes: compressed.length - engine.bytesWritten }
}

/** 9.2: turns one filtered row into the bytes it stands for, in place. `above` is the row before, already done. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, bytesPerPixel: number): void {
  if (filter > 4) throw new Error(`no such filter type: ${filter}`)
  if (filter === 0) return
  for (let i = 0; i < line.length; i++) {
    const a = i < bytesPerPixel ? 0 : line[i - bytesPerPixel]!
    const b = above[i]!
    const c = i < bytesPerPixel ? 0 : above[i - bytesPerPixel]!
    line[i] = line[i]! + prediction(filter, a, b, c)
  }
}

function prediction(filter: number, a: number, b: number, c: number): number {
  if (filter === 1) return a
  if (filter === 2) return b
  if (filter === 3) return Math.floor((a + b) / 2)
  return paeth(a, b, c)
}

/** 9.4: whichever of left, above and upper left is nearest to left + above - upper left; ties in this order. */
function paeth(a: number, b: number, c: number): number {
  const p = a + b - c
  const pa = Math.abs(p - a)
  const pb = Math.abs(p - b)
  const pc = Math.abs(p - c)
  if (pa <= pb && pa <= pc) return a
  return pb <= pc ? b : c
}

/** 7.2: samples of less than a byte begin at the high bits; those of 16 bits have the high byte first. */
function sampleAt(line: Uint8Array, index: number, bitDepth: number): number {
  if (bitDepth === 8) return line[index]!
  if (bitDepth === 16) return line[index * 2]! * 256 + line[index * 2 + 1]!
  const bit = index * bitDepth
  return (line[bit >> 3]! >> (8 - bitDepth - (bit & 7))) & (2 ** bitDepth - 1)
}
