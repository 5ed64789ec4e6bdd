import sharp, { type OutputInfo } from 'sharp'
import { chunkOf } from '../codec/chunks.ts'
import { SIGNATURE } from '../codec/header.ts'

/** What makes up the pixels; the rest says how to show them, which is not compared. */
const PIXEL_CHUNKS = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']

/** Whether `result` shows `picture` with red and green exchanged, to the last bit. Both are decoded by libvips. */
export async function isExchanged(picture: Buffer, result: Buffer): Promise<boolean> {
  const expected = await pixelsOf(picture)
  const found = await pixelsOf(result)
  for (let at = 0; at < expected.data.length; at += 4) {
    const red = expected.data[at] as number
    expected.data[at] = expected.data[at + 1] as number
    expected.data[at + 1] = red
  }
  return expected.info.width === found.info.width && expected.data.equals(found.data)
}

/** As RGBA, 8 bit: some write grey or opaque pictures in fewer channels, which is right as well. */
function pixelsOf(file: Buffer): Promise<{ data: Buffer; info: OutputInfo }> {
  const image = sharp(bare(file)).toColourspace('srgb').ensureAlpha().raw()
  return image.toBuffer({ resolveWithObject: true })
}

function bare(file: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = SIGNATURE.length; at < file.length; ) {
    const length = file.readUInt32BE(at)
    const type = file.toString('latin1', at + 4, at + 8)
    if (PIXEL_CHUNKS.includes(type)) chunks.push(chunkOf(type, file.subarray(at + 8, at + 8 + length)))
    at += 12 + length
  }
  return Buffer.concat([SIGNATURE, ...chunks])
}
