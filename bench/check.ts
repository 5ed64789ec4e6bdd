import sharp, { type OutputInfo } from 'sharp'
import { SIGNATURE } from '../codec/header.ts'
import { chunkOf } from '../test/codec/build.ts'

/** What makes up the pixels; the rest says how to show them, which is not compared. */
const PIXEL_CHUNKS = ['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND']

/** What libvips decodes from a file: RGBA, 8 bit. */
export interface Pixels {
  readonly data: Buffer
  readonly info: OutputInfo
}

/** What a right result of `picture` shows. */
export async function exchangedPixels(picture: Buffer): Promise<Pixels> {
  const pixels = await pixelsOf(picture)
  const { data } = pixels
  for (let at = 0; at < data.length; at += 4) {
    const red = data[at] as number
    data[at] = data[at + 1] as number
    data[at + 1] = red
  }
  return pixels
}

/** Whether `file` shows just that, to the last bit. */
export async function shows(expected: Pixels, file: Buffer): Promise<boolean> {
  const { data, info } = await pixelsOf(file)
  return expected.info.width === info.width && expected.data.equals(data)
}

/** Some write grey or opaque pictures in fewer channels, which is right as well. */
function pixelsOf(file: Buffer): Promise<Pixels> {
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
