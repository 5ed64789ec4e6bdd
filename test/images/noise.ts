import { deflateSync } from 'node:zlib'
import { chunk, headerChunk, pngOf } from './chunk.ts'
import { encodePng } from './encode.ts'
import { createRandom } from './random.ts'

export { createRandom, type Random } from './random.ts'

/**
 * A small image of noise that differs from that of every other seed: its first pixels spell the seed out, so that an
 * image which comes back for another one is noticed. RGB and RGBA take turns, 8 bit, about 12 and 16 KB at 64x64.
 */
export function uniqueImage(seed: number, { width = 64, height = 64 } = {}): Buffer {
  const colourType = seed % 2 === 0 ? 2 : 6
  const samples = createRandom(seed).bytes(width * height * (colourType === 2 ? 3 : 4))
  const name = Buffer.alloc(8)
  name.writeDoubleBE(seed)
  name.copy(samples)
  return encodePng({ width, height, colourType, bitDepth: 8, samples, level: 1 })
}

/**
 * An honest image, RGB 8 bit, whose file has about `bytes` bytes (within 1 % above 1 MB, 300 MB at most), since noise
 * cannot be compressed. The noise is that of the filtered rows; all five filter types take turns.
 */
export function largeImage(seed: number, bytes: number): Buffer {
  const width = Math.min(2048, Math.ceil(Math.sqrt(bytes / 3)))
  const rowBytes = 1 + width * 3
  const height = Math.max(1, Math.round(bytes / rowBytes))
  const rows = createRandom(seed).bytes(height * rowBytes)
  for (let row = 0; row < height; row++) rows[row * rowBytes] = row % 5
  return pngOf([
    headerChunk(width, height, 8, 2),
    chunk('IDAT', deflateSync(rows, { level: 0 })),
    chunk('IEND'),
  ])
}
