import { inflateRawSync } from 'node:zlib'
import { isLikely, type Random, randomBytes, sizeOf } from './chance.ts'
import { enveloped } from './envelope.ts'
import { type Frame, singleRow } from './picture.ts'

/** Where the codes of the first block stand. */
const FRONT_BYTES = 90

/** The stream with one to four changes; `other` is a stream to splice in. */
export function mutated(zlib: Buffer, other: Buffer, random: Random): Buffer {
  let bytes: Buffer = Buffer.from(zlib)
  for (let changes = 1 + random(1 + random(4)); changes > 0; changes -= 1)
    bytes = changed(bytes, other, random)
  return bytes
}

function changed(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const { length } = bytes
  const at = random(length + 1)
  const count = sizeOf(random, 1, 40)
  const kind = random(20)
  if (kind < 6) return flipped(bytes, random(Math.min(length, FRONT_BYTES)), random)
  if (kind < 10) return flipped(bytes, random(Math.max(1, length)), random)
  if (kind === 10) return flipped(bytes, random(2), random)
  if (kind === 11) return flipped(bytes, Math.max(0, length - 1 - random(4)), random)
  if (kind === 12) return bytes.subarray(0, at)
  if (kind === 13) return bytes.subarray(0, Math.max(0, length - 1 - random(8)))
  if (kind === 14)
    return Buffer.concat([bytes.subarray(0, at), randomBytes(random, count), bytes.subarray(at)])
  if (kind === 15) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + count)])
  if (kind === 16) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - count))])
  if (kind === 17) return Buffer.concat([bytes.subarray(0, at), other.subarray(random(other.length + 1))])
  bytes.fill(random(3) === 0 ? random(256) : random(2) * 255, at, Math.min(length, at + count))
  return bytes
}

function flipped(bytes: Buffer, at: number, random: Random): Buffer {
  if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random(8))
  return bytes
}

/**
 * When the blocks of a damaged stream can still be read, gives it the checksum of what they came to, and a frame that
 * has so many bytes: otherwise hardly one of them would be accepted.
 */
export function mended(frame: Frame, zlib: Buffer, random: Random): { frame: Frame; zlib: Buffer } {
  const deflated = zlib.subarray(2)
  try {
    const came = inflateRawSync(deflated, {
      info: true,
      maxOutputLength: 400_000,
      chunkSize: 64 + frame.layout.inflatedBytes,
    }) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    const rows = came.buffer
    const used = deflated.subarray(0, came.engine.bytesWritten)
    const isFitting = rows.length === frame.layout.inflatedBytes || rows.length < 2 || isLikely(random, 10)
    return {
      frame: isFitting ? frame : singleRow(rows.length, random),
      zlib: enveloped(used, rows, random),
    }
  } catch {
    return { frame, zlib }
  }
}
