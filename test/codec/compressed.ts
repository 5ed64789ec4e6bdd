import { constants, deflateRawSync, deflateSync } from 'node:zlib'
import { oneOf, type Random, sizeOf } from './chance.ts'
import { enveloped } from './envelope.ts'

const STRATEGIES = [
  constants.Z_DEFAULT_STRATEGY,
  constants.Z_FILTERED,
  constants.Z_HUFFMAN_ONLY,
  constants.Z_RLE,
  constants.Z_FIXED,
]

/** The rows as compressors give them: any level, strategy, window and memory; whole, or flushed again and again. */
export function compressed(rows: Buffer, random: Random): Buffer {
  const options = {
    level: random(10),
    strategy: random(2) === 0 ? constants.Z_DEFAULT_STRATEGY : oneOf(random, STRATEGIES),
    windowBits: random(2) === 0 ? 15 : 9 + random(7),
    memLevel: random(2) === 0 ? 8 : 1 + random(9),
  }
  if (random(4) > 0) return deflateSync(rows, options)
  const parts: Buffer[] = []
  for (let at = 0; at < rows.length; ) {
    const end = Math.min(rows.length, at + sizeOf(random, 1, Math.ceil(rows.length / 3)))
    const finishFlush = end === rows.length ? constants.Z_FINISH : constants.Z_FULL_FLUSH
    parts.push(deflateRawSync(rows.subarray(at, end), { ...options, finishFlush }))
    at = end
  }
  return enveloped(Buffer.concat(parts), rows, random)
}
