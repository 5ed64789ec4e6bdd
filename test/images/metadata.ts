import { deflateSync } from 'node:zlib'
import { chunk, withWrongCrc } from './chunk.ts'
import { encodePng, type NamedImage, type Picture } from './encode.ts'
import { everyFormat, nameOf, plain } from './formats.ts'
import { createRandom } from './random.ts'

const palette = createRandom('palette').bytes(12)

/** Images that differ in their ancillary chunks. */
export function metadata(): NamedImage[] {
  return [
    ...transparencies(),
    ...backgrounds(),
    ...significances(),
    ...suggestions(),
    ...notes(),
    ...oddities(),
  ]
}

/** tRNS (11.3.1.1): one colour as 2 bytes a sample, or an alpha for each of the first entries of the palette. */
function transparencies(): NamedImage[] {
  const rgb = [0, 10, 0, 20, 0, 30]
  return [
    image('tRNS', { colourType: 0, bitDepth: 8 }, { afterPlte: [chunk('tRNS', [0, 77])] }),
    image('tRNS', { colourType: 0, bitDepth: 16 }, { afterPlte: [chunk('tRNS', [1, 77])] }),
    image('tRNS', { colourType: 0, bitDepth: 1 }, { afterPlte: [chunk('tRNS', [0, 1])] }),
    image('tRNS', { colourType: 2, bitDepth: 8 }, { afterPlte: [chunk('tRNS', rgb)] }),
    image('tRNS', { colourType: 2, bitDepth: 16 }, { afterPlte: [chunk('tRNS', [1, 2, 3, 4, 5, 6])] }),
    image('tRNS', { colourType: 3, bitDepth: 8 }, { palette, afterPlte: [chunk('tRNS', [0, 128, 255])] }),
    image(
      'tRNS for every entry',
      { colourType: 3, bitDepth: 2 },
      { palette, afterPlte: [chunk('tRNS', [9, 8, 7, 6])] },
    ),
  ]
}

/** bKGD (11.3.4.1): a grey, a colour, or an index. */
function backgrounds(): NamedImage[] {
  const data = { 0: [0, 3], 2: [0, 1, 0, 2, 0, 3], 3: [1], 4: [0, 5], 6: [0, 9, 0, 8, 0, 7] }
  return [3, 4, 5, 6, 10, 11, 13, 14].map(index => {
    const format = everyFormat[index]!
    return image('bKGD', format, { afterPlte: [chunk('bKGD', data[format.colourType])] })
  })
}

/** sBIT (11.3.2.4): the significant bits of each channel. */
function significances(): NamedImage[] {
  const data = { 0: [3], 2: [5, 6, 4], 3: [4, 5, 6], 4: [3, 2], 6: [5, 6, 4, 3] }
  return everyFormat
    .filter(({ bitDepth }) => bitDepth >= 8)
    .map(format => image('sBIT', format, { before: [chunk('sBIT', data[format.colourType])] }))
}

/** sPLT (11.3.4.4): name, zero, depth, entries of 6 or 10 bytes. */
function suggestions(): NamedImage[] {
  const random = createRandom('suggestions')
  const eight = chunk('sPLT', Buffer.concat([Buffer.from('eight\0\x08', 'latin1'), random.bytes(6 * 20)]))
  const sixteen = chunk(
    'sPLT',
    Buffer.concat([Buffer.from('sixteen\0\x10', 'latin1'), random.bytes(10 * 20)]),
  )
  const none = chunk('sPLT', 'none\0\x08')
  return [5, 14, 10, 3].flatMap(index => [
    image('sPLT of 8 bit', everyFormat[index]!, { before: [eight] }),
    image('three sPLT', everyFormat[index]!, { afterPlte: [sixteen, none, eight] }),
  ])
}

/** Chunks whose bytes stay as they are, each by itself in an RGB image, all of them in one of every colour type. */
function notes(): NamedImage[] {
  const zipped = deflateSync('a text that was compressed')
  const inFront = [
    chunk('gAMA', [0, 0, 0xb1, 0x8f]),
    chunk('cHRM', createRandom('cHRM').bytes(32)),
    chunk('sRGB', [0]),
    chunk('cICP', [9, 16, 0, 1]),
    chunk(
      'iCCP',
      Buffer.concat([Buffer.from('profile\0\0', 'latin1'), deflateSync(createRandom('iCCP').bytes(300))]),
    ),
    chunk('mDCV', createRandom('mDCV').bytes(24)),
    chunk('cLLI', createRandom('cLLI').bytes(8)),
    chunk('pHYs', [0, 0, 11, 19, 0, 0, 11, 19, 1]),
    chunk('oFFs', [0, 0, 0, 5, 255, 255, 255, 251, 0]),
    chunk('pCAL', 'scale\0\0\0\0\0\0\0\xff\xff\0\x02mm\x000\x001'),
    chunk('sCAL', '\x011.5\x002.5'),
    chunk('sTER', [0]),
    chunk('eXIf', 'II*\0\x08\0\0\0\0\0\0\0\0\0'),
    chunk('juNk', 'unknown, and safe to copy'),
  ]
  const behind = [
    chunk('tIME', [7, 233, 12, 31, 23, 59, 60]),
    chunk('tEXt', 'Title\0red and green'),
    chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), zipped])),
    chunk('iTXt', 'Author\0\0\0de\0\0Gr\xc3\xbcn'),
    chunk('iTXt', Buffer.concat([Buffer.from('Author\0\x01\0\0\0', 'latin1'), zipped])),
  ]
  const type = (bytes: Buffer) => bytes.toString('latin1', 4, 8)
  const rgb = everyFormat[5]!
  const single = [
    ...inFront.map(one => image(type(one), rgb, { before: [one] })),
    ...behind.slice(0, 4).map(one => image(type(one), rgb, { after: [one] })),
  ]
  const all = [3, 5, 10, 12, 14].map(index =>
    image('all that stays', everyFormat[index]!, { before: inFront, afterPlte: behind, after: behind }),
  )
  const histogram = chunk('hIST', [0, 1, 0, 2, 0, 3, 0, 4])
  return [
    ...single,
    ...all,
    image('hIST', { colourType: 3, bitDepth: 2 }, { palette, afterPlte: [histogram] }),
    image('hIST', rgb, { palette, afterPlte: [histogram] }),
  ]
}

/** What is dropped: unsafe strangers, a wrong CRC in an ancillary chunk, whatever comes after IEND. */
function oddities(): NamedImage[] {
  const unsafe = [
    chunk('juNK', 'unsafe'),
    chunk('iDOT', createRandom('iDOT').bytes(28)),
    chunk('caBX', 'a manifest'),
  ]
  const text = withWrongCrc(chunk('tEXt', 'Title\0wrong CRC'))
  const formats = [3, 5, 10, 11, 13].map(index => everyFormat[index]!)
  return [
    ...formats.flatMap(format => [
      image('unknown and unsafe chunks', format, { before: unsafe, afterPlte: unsafe, after: unsafe }),
      image('wrong CRC in tEXt', format, { before: [text, chunk('sRGB', [1])], after: [text] }),
      trailing(image('bytes after IEND', format, {})),
    ]),
    image('wrong CRC in tRNS', everyFormat[5]!, {
      afterPlte: [withWrongCrc(chunk('tRNS', [0, 1, 0, 2, 0, 3]))],
    }),
    image('wrong CRC in tRNS', everyFormat[10]!, { afterPlte: [withWrongCrc(chunk('tRNS', [0, 1]))] }),
  ]
}

function trailing({ name, bytes }: NamedImage): NamedImage {
  return { name, bytes: Buffer.concat([bytes, Buffer.from('more'), bytes]) }
}

function image(
  name: string,
  format: Pick<Picture, 'colourType' | 'bitDepth'>,
  parts: Partial<Picture>,
): NamedImage {
  const picture = { ...plain, width: 16, height: 16, ...format, ...parts }
  return { name: `${name}, ${nameOf(format)}`, bytes: encodePng(picture) }
}
