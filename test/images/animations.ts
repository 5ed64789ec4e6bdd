import { chunk, withWrongCrc } from './chunk.ts'
import { type Animation, apng, type FramePicture, type NamedImage } from './encode.ts'
import { everyFormat, nameOf, plain } from './formats.ts'

/** Three frames beside the default image, two of them smaller than the canvas. */
const frames: FramePicture[] = [
  { width: 32, height: 32 },
  { width: 7, height: 20, x: 3, y: 12 },
  { width: 1, height: 1, x: 31, y: 31 },
]

/** Animated PNGs (11.3.6). */
export function animations(): NamedImage[] {
  const kinds = [3, 5, 6, 8, 10, 11, 13, 14].flatMap(index => {
    const format = everyFormat[index]!
    return [true, false].map(isDefaultShown => {
      const how = isDefaultShown ? 'default image shown' : 'default image hidden'
      return animation(`${how}, ${nameOf(format)}`, { ...format, isDefaultShown })
    })
  })
  const text = chunk('tEXt', 'Title\0moving')
  return [
    ...kinds,
    animation('of one frame, the default image', { frames: [] }),
    animation('of one frame, the default image hidden', {
      frames: frames.slice(1, 2),
      isDefaultShown: false,
    }),
    animation('interlaced', { interlaced: true }),
    animation('palette, interlaced', { interlaced: true, colourType: 3, bitDepth: 4 }),
    animation('fdAT in parts', { idatBytes: 100 }),
    animation('fdAT in parts, palette', { idatBytes: 100, colourType: 3 }),
    animation('with chunks around', { before: [text], afterPlte: [chunk('juNK', 'dropped')], after: [text] }),
    withoutControl(animation('wrong CRC in acTL, so a still', {})),
    withoutControl(animation('wrong CRC in acTL, so a still, palette', { colourType: 3 })),
    animation('of 30 frames', { frames: Array.from({ length: 30 }, () => ({ width: 4, height: 4 })) }),
  ]
}

function animation(name: string, parts: Partial<Animation>): NamedImage {
  return { name: `APNG ${name}`, bytes: apng({ ...plain, frames, ...parts }) }
}

function withoutControl({ name, bytes }: NamedImage): NamedImage {
  const start = bytes.indexOf('acTL') - 4
  const end = start + 12 + 8
  const spoilt = withWrongCrc(bytes.subarray(start, end))
  return { name, bytes: Buffer.concat([bytes.subarray(0, start), spoilt, bytes.subarray(end)]) }
}
