import { constants, deflateRawSync } from 'node:zlib'
import { chunk, headerChunk, pngOf } from './chunk.ts'
import { apng, encodePng, type NamedImage } from './encode.ts'
import { plain } from './formats.ts'

/** A small file that asks for much memory or work. */
export interface Bomb extends NamedImage {
  /** `finished`: a valid image that must come back right; else the status of the refusal. */
  readonly status: 413 | 'finished'
  /** Bytes that decoding its pixels makes. */
  readonly inflatedBytes: number
}

/** Made in about a second; none is larger than 1.5 MB. */
export function bombs(): Bomb[] {
  return [...overLimit(), ...underLimit(), ...inText()]
}

/** More than 100 megapixels: told from IHDR, whatever follows. */
function overLimit(): Bomb[] {
  const flat = (name: string, width: number, height: number, bitDepth: 1 | 8, colourType: 0 | 2) => ({
    name,
    bytes: flatImage({ width, height, bitDepth, colourType }),
    status: 413 as const,
    inflatedBytes: rowBytes({ width, height, bitDepth, colourType }) * height,
  })
  const header = (width: number, height: number) => ({
    name: `${width}x${height} without pixels`,
    bytes: pngOf([headerChunk(width, height, 8, 2), chunk('IDAT'), chunk('IEND')]),
    status: 413 as const,
    inflatedBytes: 0,
  })
  return [
    flat('196 megapixels of RGB', 14_000, 14_000, 8, 2),
    flat('100,001x1001 of 1 bit', 100_001, 1001, 1, 0),
    header(1, 2 ** 31 - 1),
    header(2 ** 31 - 1, 1),
    header(2 ** 31 - 1, 2 ** 31 - 1),
  ]
}

/** 99 megapixels: valid, and to be done with little memory. */
function underLimit(): Bomb[] {
  const formats = [
    { colourType: 0, bitDepth: 1 },
    { colourType: 3, bitDepth: 8 },
    { colourType: 2, bitDepth: 8 },
    { colourType: 6, bitDepth: 16 },
  ] as const
  return formats.map(format => {
    const size = { width: 9900, height: 10_000, ...format }
    return {
      name: `99 megapixels, colour type ${format.colourType}, ${format.bitDepth} bit`,
      bytes: flatImage(size),
      status: 'finished' as const,
      inflatedBytes: rowBytes(size) * size.height,
    }
  })
}

/** Small images with much beside the pixels. Compressed text and profiles are copied, never inflated. */
function inText(): Bomb[] {
  const zeros = flatStream(Buffer.alloc(1 << 20), 100)
  const named = (name: string, bytes: Buffer) => ({
    name,
    bytes,
    status: 'finished' as const,
    inflatedBytes: 32 * (1 + 32 * 3),
  })
  const zipped = (type: string, keyword: string) =>
    chunk(type, Buffer.concat([Buffer.from(keyword, 'latin1'), zeros]))
  const texts = Array.from({ length: 10_000 }, (_, i) => chunk('tEXt', `Comment\0${i}`))
  const frames = Array.from({ length: 1000 }, () => ({ width: 1, height: 1 }))
  return [
    named('100 MB in zTXt', encodePng({ ...plain, before: [zipped('zTXt', 'Comment\0\0')] })),
    named('100 MB in iTXt', encodePng({ ...plain, after: [zipped('iTXt', 'Comment\0\x01\0\0\0')] })),
    named('100 MB in iCCP', encodePng({ ...plain, before: [zipped('iCCP', 'profile\0\0')] })),
    named('10,000 text chunks', encodePng({ ...plain, before: texts })),
    named('IDAT in parts of one byte', encodePng({ ...plain, idatBytes: 1 })),
    named('APNG of 1000 frames', apng({ ...plain, frames })),
  ]
}

interface Size {
  readonly width: number
  readonly height: number
  readonly bitDepth: 1 | 8 | 16
  readonly colourType: 0 | 2 | 3 | 6
}

/** An image of one colour, red but for the grey one, whose file grows by some 0.1 % of its rows. */
export function flatImage(size: Size): Buffer {
  const row = Buffer.alloc(rowBytes(size))
  // Filter 1, sub: the first byte is the red of the first pixel, and every other pixel is the same as the one before.
  row[0] = 1
  row[1] = size.colourType === 3 ? 1 : 0xc0
  const plte = size.colourType === 3 ? [chunk('PLTE', [0, 0, 0, 200, 10, 0])] : []
  const { width, height, bitDepth, colourType } = size
  const header = headerChunk(width, height, bitDepth, colourType)
  return pngOf([header, ...plte, chunk('IDAT', flatStream(row, height)), chunk('IEND')])
}

/** Filter byte and packed samples. */
function rowBytes({ width, bitDepth, colourType }: Size): number {
  const channels = { 0: 1, 2: 3, 3: 1, 6: 4 }[colourType]
  return 1 + Math.ceil((width * channels * bitDepth) / 8)
}

/**
 * The zlib stream of `times` blocks, without making them: a block that was compressed with a full flush ends on a
 * byte and looks back at nothing, so its bytes can be repeated (RFC 1951, 3.2.4).
 */
function flatStream(block: Buffer, times: number): Buffer {
  const packed = deflateRawSync(block, { level: 9, finishFlush: constants.Z_FULL_FLUSH })
  const last = Buffer.from([3, 0])
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(adlerOf(block, times))
  return Buffer.concat([Buffer.from([0x78, 0xda]), ...Array<Buffer>(times).fill(packed), last, sum])
}

/** Adler-32 (RFC 1950, 8.2) of `times` blocks: what a block adds to either sum depends only on the first sum. */
function adlerOf(block: Buffer, times: number): number {
  const base = 65_521
  let sum = 0
  let weighted = 0
  for (const byte of block) {
    sum = (sum + byte) % base
    weighted = (weighted + sum) % base
  }
  let [a, b] = [1, 0]
  for (let i = 0; i < times; i++) {
    b = (b + weighted + (block.length % base) * a) % base
    a = (a + sum) % base
  }
  return ((b << 16) | a) >>> 0
}
