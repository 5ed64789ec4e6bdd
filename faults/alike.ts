import { chunk } from '../test/images/chunk.ts'
import { largeImage } from '../test/images/noise.ts'

/** Bytes of a PNG's signature and its IHDR. */
const HEAD_BYTES = 33

/** Large images that share all their bytes but for a text with their number, so that a thousand take no more room than one. */
export interface Alike {
  readonly length: number
  /** The bytes of one of them, in pieces; its text is what tells it from the others. */
  pieces(number: number): readonly Buffer[]
}

/** Images of about that many bytes each. */
export function createAlike(seed: number, bytes: number): Alike {
  const image = largeImage(seed, bytes)
  const [head, rest] = [image.subarray(0, HEAD_BYTES), image.subarray(HEAD_BYTES)]
  const textOf = (number: number) =>
    chunk('tEXt', Buffer.from(`Comment\0number ${String(number).padStart(9, '0')}`))
  return {
    length: image.length + textOf(0).length,
    pieces: number => [head, textOf(number), rest],
  }
}
