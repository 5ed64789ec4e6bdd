import type { Chunk } from './chunks.ts'

/** What IHDR says (11.2.1). */
export interface Header {
  /** Pixels, 1 to 2^31-1. */
  readonly width: number
  readonly height: number
  /** Bits a sample: 1, 2, 4, 8 or 16. */
  readonly bitDepth: number
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly colourType: number
  readonly isInterlaced: boolean
  /** Samples a pixel: 1 to 4. */
  readonly channels: number
}

/** 11.2.1: what a colour type means, and the depths it allows. */
const channelsOf = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
])
const depthsOf = new Map([
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
])

/** Throws on any value that the specification does not allow. */
export function readHeader(chunk: Chunk | undefined): Header {
  if (chunk?.type !== 'IHDR') throw new Error('the first chunk is not IHDR')
  if (chunk.data.length !== 13) throw new Error(`IHDR is ${chunk.data.length} bytes long, not 13`)
  const width = chunk.data.readUInt32BE(0)
  const height = chunk.data.readUInt32BE(4)
  const [bitDepth, colourType, compression, filter, interlace] = chunk.data.subarray(8)
  if (width === 0 || height === 0) throw new Error('IHDR: width or height is zero')
  if (width > 0x7fffffff || height > 0x7fffffff) throw new Error('IHDR: width or height is above 2^31-1')
  const channels = channelsOf.get(colourType!)
  if (channels === undefined) throw new Error(`IHDR: no such colour type: ${colourType}`)
  if (!depthsOf.get(colourType!)!.includes(bitDepth!)) throw new Error(`IHDR: bit depth ${bitDepth}`)
  if (compression !== 0) throw new Error(`IHDR: compression method ${compression}`)
  if (filter !== 0) throw new Error(`IHDR: filter method ${filter}`)
  if (interlace !== 0 && interlace !== 1) throw new Error(`IHDR: interlace method ${interlace}`)
  return {
    width,
    height,
    bitDepth: bitDepth!,
    colourType: colourType!,
    isInterlaced: interlace === 1,
    channels,
  }
}
