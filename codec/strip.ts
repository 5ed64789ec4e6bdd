import { isCritical } from './chunks.ts'
import { broken, PngError } from './errors.ts'
import { isPng, SIGNATURE } from './header.ts'

/**
 * The same image with its critical chunks only (IHDR, PLTE, IDAT, IEND): the bare samples, for a decoder that
 * would otherwise convert them by gamma, profile or transparency. Also drops what follows IEND. CRCs are not
 * looked at. Throws `not-a-png` without the signature and `broken` when the chunks do not end with IEND.
 */
export function essentialChunks(png: Buffer): Buffer {
  if (!isPng(png)) throw new PngError('not-a-png', 'the file does not begin with the PNG signature')
  const kept: Buffer[] = [SIGNATURE]
  for (let at = SIGNATURE.length; at + 12 <= png.length; ) {
    const end = at + 12 + png.readUInt32BE(at)
    if (end > png.length) break
    const type = png.toString('latin1', at + 4, at + 8)
    if (isCritical(type)) kept.push(png.subarray(at, end))
    if (type === 'IEND') return Buffer.concat(kept)
    at = end
  }
  throw broken('the file ends before its IEND chunk')
}
