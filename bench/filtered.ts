import { deflateSync, inflateSync, type ZlibOptions } from 'node:zlib'
import { HEADER_BYTES, readHeader } from '../codec/header.ts'
import { type Layout, layoutOf } from '../codec/layout.ts'
import { chunkOf } from '../test/codec/build.ts'

/** Bytes zlib puts out at once: its 16 KB would only add joints. */
const CHUNK_BYTES = 64 * 1024

/** A PNG taken apart: 8 bit RGB, with or without alpha. */
export interface Filtered {
  readonly layout: Layout
  /** The file up to its first IDAT chunk, and from behind the last. */
  readonly before: Buffer
  readonly after: Buffer
  /** What the IDAT chunks hold, joined. */
  readonly stream: Buffer
}

export function takeApart(file: Buffer): Filtered {
  const layout = layoutOf(readHeader(file, { maxPixels: 1e9 }))
  const parts: Buffer[] = []
  let [first, behind] = [0, 0]
  for (let at = HEADER_BYTES; at < file.length; ) {
    const length = file.readUInt32BE(at)
    const next = at + 12 + length
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') {
      if (parts.length === 0) first = at
      parts.push(file.subarray(at + 8, at + 8 + length))
      behind = next
    }
    at = next
  }
  return {
    layout,
    before: file.subarray(0, first),
    after: file.subarray(behind),
    stream: Buffer.concat(parts),
  }
}

/** The still filtered rows. */
export function rowsOf({ stream }: Filtered): Buffer {
  return inflateSync(stream, { chunkSize: CHUNK_BYTES })
}

/** The same file around other rows, all of them in one IDAT chunk. */
export function putTogether({ before, after }: Filtered, rows: Buffer, options: ZlibOptions): Buffer {
  const stream = deflateSync(rows, { memLevel: 9, chunkSize: CHUNK_BYTES, ...options })
  return Buffer.concat([before, chunkOf('IDAT', stream), after])
}

/** The straightforward swap without unfiltering: everything held whole, one plain loop, node:zlib at both ends. */
export function swapFiltered(file: Buffer, options: ZlibOptions): Buffer {
  const parts = takeApart(file)
  const rows = rowsOf(parts)
  const { passes, pixelBytes } = parts.layout
  let row = 0
  for (const { rowBytes, height } of passes) {
    for (let y = 0; y < height; y += 1, row += rowBytes) {
      for (let at = row + 1; at < row + rowBytes; at += pixelBytes) {
        const red = rows[at] as number
        rows[at] = rows[at + 1] as number
        rows[at + 1] = red
      }
    }
  }
  return putTogether(parts, rows, options)
}
