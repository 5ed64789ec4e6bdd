import { isCritical } from './chunks.ts'
import { broken, notPng } from './errors.ts'
import { isPng, SIGNATURE } from './header.ts'

/**
 * The same image with its critical chunks only (IHDR, PLTE, IDAT, IEND): the bare samples, for a decoder that
 * would otherwise convert them by gamma, profile or transparency. Also drops what follows IEND. CRCs are not
 * looked at. Throws `not-a-png` without the signature and `broken` when the chunks do not end with IEND.
 */
export function essentialChunks(png: Buffer): Buffer {
  const kept = [...chunksIn(png)].filter(({ type }) => isCritical(type)).map(({ chunk }) => chunk)
  return Buffer.concat([SIGNATURE, ...kept])
}

/** The zlib stream in the IDAT chunks of an image. Throws as `essentialChunks` does. */
export function imageData(png: Buffer): Buffer {
  const chunks = [...chunksIn(png)].filter(({ type }) => type === 'IDAT')
  return Buffer.concat(chunks.map(({ chunk }) => chunk.subarray(8, -4)))
}

/** The image but for its IDAT chunks. Throws as `essentialChunks` does. */
export function withoutImageData(png: Buffer): Buffer {
  const chunks = [...chunksIn(png)].filter(({ type }) => type !== 'IDAT')
  return Buffer.concat(chunks.map(({ chunk }) => chunk))
}

/** The chunks up to IEND, each from its length to its CRC. */
function* chunksIn(png: Buffer): Generator<{ type: string; chunk: Buffer }> {
  if (!isPng(png)) throw notPng()
  for (let at = SIGNATURE.length; at + 12 <= png.length; ) {
    const end = at + 12 + png.readUInt32BE(at)
    if (end > png.length) break
    const type = png.toString('latin1', at + 4, at + 8)
    yield { type, chunk: png.subarray(at, end) }
    if (type === 'IEND') return
    at = end
  }
  throw broken('the file ends before its IEND chunk')
}
