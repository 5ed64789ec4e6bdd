import { brokenAnimations } from './broken-animations.ts'
import { brokenData } from './broken-data.ts'
import { chunk, frameControl, headerChunk, pngOf, signature, withWrongCrc } from './chunk.ts'
import { encodePng, imageChunks, type NamedImage } from './encode.ts'
import { everyFormat, nameOf, plain } from './formats.ts'

/** A file that must not become a result. */
export interface BrokenImage extends NamedImage {
  /** What the refusal, or the reason of the failed task, says in some words. */
  readonly reason: RegExp
  /** The status of the upload, judged from the first 33 bytes; `failed`: it is accepted, and its task fails. */
  readonly status: 413 | 415 | 422 | 'failed'
}

/** About 220 files that are no PNG, or broken ones, each in one way. */
export function broken(): BrokenImage[] {
  return [
    ...signatures().map(image => ({ ...image, status: 415 as const, reason: /PNG|signature/i })),
    ...headers().map(image => ({ ...image, status: 422 as const, reason: headerReason })),
    ...tooLarge().map(image => ({ ...image, status: 413 as const, reason: /pixel|large|limit|size|big/i })),
    ...brokenData().map(image => ({ ...image, status: 'failed' as const })),
    ...brokenAnimations().map(image => ({ ...image, status: 'failed' as const })),
  ]
}

const headerReason =
  /IHDR|CgBI|header|width|height|dimension|depth|colou?r|interlac|CRC|truncat|broken|chunk/i

/** Not a PNG at all, or its signature (5.2) as careless transfers leave it. */
function signatures(): NamedImage[] {
  const whole = encodePng(plain)
  const named = (name: string, bytes: Buffer | string) => ({
    name,
    bytes: Buffer.from(bytes as string, 'latin1'),
  })
  const damaged = (name: string, begin: string) => ({
    name: `signature ${name}`,
    bytes: Buffer.concat([Buffer.from(begin, 'latin1'), whole.subarray(8)]),
  })
  return [
    named('nothing', ''),
    named('one byte', '\x89'),
    named('half a signature', '\x89PNG'),
    damaged('with CR LF made LF', '\x89PNG\n\x1a\n'),
    damaged('with LF made CR LF', '\x89PNG\r\r\n\x1a\r\n'),
    damaged('with LF made CR', '\x89PNG\r\r\x1a\r'),
    damaged('with the high bit cleared', '\x09PNG\r\n\x1a\n'),
    damaged('as UTF-8', '\xc2\x89PNG\r\n\x1a\n'),
    damaged('missing', ''),
    damaged('after one byte', '\0\x89PNG\r\n\x1a\n'),
    damaged('of MNG', '\x8aMNG\r\n\x1a\n'),
    damaged('of JNG', '\x8bJNG\r\n\x1a\n'),
    named('GIF', `GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;`),
    named('JPEG', `\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0${'\0'.repeat(40)}\xff\xd9`),
    named('ZIP', `PK\x03\x04\x14\0${'\0'.repeat(40)}PK\x05\x06${'\0'.repeat(18)}`),
    named('HTML', '<!doctype html><title>not an image</title><p>red and green</p>'),
    named('SVG', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'),
    named('WebP', `RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0`),
    named('zeros', '\0'.repeat(100)),
  ]
}

/** IHDR (11.2.1) with one wrong value, and other chunks in its place. */
function headers(): NamedImage[] {
  const body = [...imageChunks(plain), chunk('IEND')]
  const right = headerChunk(32, 32, 8, 2)
  const named = (name: string, ...first: Buffer[]) => ({ name, bytes: pngOf([...first, ...body]) })
  const changed = (name: string, index: number, value: number) => {
    const data = Buffer.from(right.subarray(8, 21))
    data[index] = value
    return named(name, chunk('IHDR', data))
  }
  const depths = { 0: [0, 3, 32], 2: [1, 2, 4, 12], 3: [16, 5], 4: [1, 2, 4], 6: [1, 2, 4, 255] }
  return [
    { name: 'nothing after the signature', bytes: signature },
    { name: 'a part of IHDR', bytes: pngOf([right]).subarray(0, 30) },
    named('IHDR missing'),
    named('IHDR after another chunk', chunk('gAMA', [0, 0, 1, 0]), right),
    named('IHDR too short', chunk('IHDR', right.subarray(8, 20))),
    named('IHDR too long', chunk('IHDR', [...right.subarray(8, 21), 0])),
    named('IHDR empty', chunk('IHDR')),
    named('wrong CRC in IHDR', withWrongCrc(right)),
    named('CgBI before IHDR', chunk('CgBI', [0x50, 0, 0x20, 2]), right),
    named('fcTL before IHDR', frameControl(0, 32, 32), right),
    named('width 0', headerChunk(0, 32, 8, 2)),
    named('height 0', headerChunk(32, 0, 8, 2)),
    named('width 2^31', headerChunk(2 ** 31, 1, 8, 2)),
    named('height 2^32-1', headerChunk(1, 2 ** 32 - 1, 8, 2)),
    ...[1, 5, 7, 255].map(type => changed(`colour type ${type}`, 9, type)),
    ...Object.entries(depths).flatMap(([type, wrong]) =>
      wrong.map(depth =>
        named(`bit depth ${depth} with colour type ${type}`, headerChunk(32, 32, depth, Number(type))),
      ),
    ),
    changed('compression method 1', 10, 1),
    changed('filter method 64', 11, 64),
    changed('interlace method 2', 12, 2),
  ]
}

/** Just over 100 megapixels, and far over. */
function tooLarge(): NamedImage[] {
  const sizes: [number, number][] = [
    [100_001, 1001],
    [10_001, 10_000],
    [1, 2 ** 31 - 1],
    [2 ** 31 - 1, 2 ** 31 - 1],
    [65_536, 65_536],
  ]
  return sizes.flatMap(([width, height]) =>
    [0, 5, 8].map(index => {
      const format = everyFormat[index]!
      const bytes = pngOf([
        headerChunk(width, height, format.bitDepth, format.colourType),
        chunk('IDAT'),
        chunk('IEND'),
      ])
      return { name: `${width}x${height}, ${nameOf(format)}`, bytes }
    }),
  )
}
