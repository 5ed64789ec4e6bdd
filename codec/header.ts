import { crc32 } from 'node:zlib'
import { broken, notPng, PngError } from './errors.ts'

/** Signature (8 bytes) and the IHDR chunk (12 + 13): all that `readHeader` looks at. */
export const HEADER_BYTES = 33

/**
 * Largest width, height or chunk length: four-byte unsigned integers stop at 2^31-1 (PNG third edition,
 * section 7.1).
 */
export const MAX_UINT = 0x7fff_ffff

/** The eight bytes every PNG begins with (section 5.2). */
export const SIGNATURE: Buffer = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** What IHDR says (section 11.2.1). Width and height in pixels, depth in bits a sample. */
export interface Header {
  readonly width: number
  readonly height: number
  readonly bitDepth: 1 | 2 | 4 | 8 | 16
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGB with alpha. */
  readonly colourType: 0 | 2 | 3 | 4 | 6
  readonly interlaced: boolean
}

/** Depths allowed a colour type (section 11.2.1). */
const DEPTHS: Readonly<Record<Header['colourType'], readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
}

/** Whether the bytes begin with the PNG signature. Says nothing of what follows. */
export function isPng(bytes: Uint8Array): boolean {
  return bytes.length >= SIGNATURE.length && SIGNATURE.equals(bytes.subarray(0, SIGNATURE.length))
}

/**
 * Reads signature and IHDR from the first `HEADER_BYTES` bytes of a file; further bytes are ignored.
 *
 * Throws `not-a-png` without a whole signature, `broken` for a missing, cut, damaged or illegal IHDR and for
 * Apple's CgBI variant, and last `too-large` for more than `maxPixels` pixels. Source: sections 5.2, 5.6,
 * 11.2.1.
 */
export function readHeader(bytes: Uint8Array, limits: { readonly maxPixels: number }): Header {
  if (!isPng(bytes)) throw notPng()
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEADER_BYTES))
  const type = view.toString('latin1', 12, 16)
  if (type === 'CgBI') throw new PngError('broken', "this is Apple's CgBI variant of PNG, which is no PNG")
  if (type.length === 4 && type !== 'IHDR') throw broken('the first chunk is not IHDR')
  if (view.length < HEADER_BYTES) throw broken('the file ends inside its IHDR chunk')
  if (view.readUInt32BE(8) !== 13) throw broken('IHDR is not 13 bytes long')
  if (crc32(view.subarray(12, 29)) !== view.readUInt32BE(29)) throw broken('IHDR has a wrong CRC')
  const header = parse(view)
  const pixels = header.width * header.height
  if (pixels > limits.maxPixels) {
    throw new PngError(
      'too-large',
      `${header.width} x ${header.height} pixels are more than the ${limits.maxPixels} allowed`,
    )
  }
  return header
}

function parse(view: Buffer): Header {
  const width = view.readUInt32BE(16)
  const height = view.readUInt32BE(20)
  const [bitDepth, colourType, compression, filter, interlace] = view.subarray(24, 29)
  if (width === 0 || height === 0) throw broken(`IHDR says ${width} x ${height} pixels: neither may be zero`)
  if (width > MAX_UINT || height > MAX_UINT) throw broken('IHDR says a width or height beyond 2^31-1')
  const depths = DEPTHS[colourType as Header['colourType']]
  if (depths === undefined) throw broken(`IHDR says colour type ${colourType}, which does not exist`)
  if (!depths.includes(bitDepth as number)) {
    throw broken(`IHDR says bit depth ${bitDepth}, which colour type ${colourType} does not have`)
  }
  if (compression !== 0) throw broken(`IHDR says compression method ${compression}, which does not exist`)
  if (filter !== 0) throw broken(`IHDR says filter method ${filter}, which does not exist`)
  if (interlace !== 0 && interlace !== 1) {
    throw broken(`IHDR says interlace method ${interlace}, which does not exist`)
  }
  return {
    width,
    height,
    bitDepth: bitDepth as Header['bitDepth'],
    colourType: colourType as Header['colourType'],
    interlaced: interlace === 1,
  }
}
