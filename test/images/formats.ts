import { chunk, dataChunks, pngOf } from './chunk.ts'
import { encodePng, headChunks, imageStream, type NamedImage, type Picture, tailChunks } from './encode.ts'

type Format = Pick<Picture, 'colourType' | 'bitDepth'>

/** 11.2.1: the 15 formats there are. */
export const everyFormat: Format[] = [
  ...([1, 2, 4, 8, 16] as const).map(bitDepth => ({ colourType: 0 as const, bitDepth })),
  ...([8, 16] as const).map(bitDepth => ({ colourType: 2 as const, bitDepth })),
  ...([1, 2, 4, 8] as const).map(bitDepth => ({ colourType: 3 as const, bitDepth })),
  ...([8, 16] as const).map(bitDepth => ({ colourType: 4 as const, bitDepth })),
  ...([8, 16] as const).map(bitDepth => ({ colourType: 6 as const, bitDepth })),
]

/** RGB, 8 bit, 32x32. */
export const plain: Picture = { width: 32, height: 32, colourType: 2, bitDepth: 8 }

const word = { 0: 'grey', 2: 'RGB', 3: 'palette', 4: 'grey and alpha', 6: 'RGBA' } as const

export function nameOf({ colourType, bitDepth }: Format): string {
  return `${word[colourType]} ${bitDepth} bit`
}

/** Images that differ in how their pixels are stored. */
export function formats(): NamedImage[] {
  return [...kinds(), ...sizes(), ...filters(), ...compressions(), ...divisions(), ...palettes()]
}

function kinds(): NamedImage[] {
  return everyFormat.flatMap(format =>
    [false, true].map(interlaced => ({
      name: `${nameOf(format)}${interlaced ? ', interlaced' : ''}`,
      bytes: encodePng({ ...plain, ...format, interlaced }),
    })),
  )
}

/** 1x1 to 9x9 and 32x32 to 40x40 as in PngSuite, and shapes in which Adam7 passes are empty. */
function sizes(): NamedImage[] {
  const sides = [1, 2, 3, 4, 5, 6, 7, 8, 9, 32, 33, 34, 35, 36, 37, 38, 39, 40]
  const squares = sides.map((side): [number, number] => [side, side])
  const shapes: [number, number][] = [...squares, [1, 9], [9, 1], [2, 5], [5, 2], [3, 40], [40, 3], [1000, 1]]
  return shapes.flatMap(([width, height], index) =>
    [false, true].map(interlaced => {
      const format = everyFormat[[5, 13, 7, 6, 9, 14][index % 6]!]!
      const name = `${width}x${height}, ${nameOf(format)}${interlaced ? ', interlaced' : ''}`
      return { name, bytes: encodePng({ ...format, width, height, interlaced, seed: index }) }
    }),
  )
}

function filters(): NamedImage[] {
  const kinds: Format[] = [5, 6, 13, 14, 3, 8, 10].map(index => everyFormat[index]!)
  return kinds.flatMap(format =>
    ([0, 1, 2, 3, 4] as const).map(filter => ({
      name: `filter ${filter}, ${nameOf(format)}`,
      bytes: encodePng({ ...plain, ...format, filter, seed: filter }),
    })),
  )
}

function compressions(): NamedImage[] {
  // Bands, so that the levels do differ.
  const samples = Array.from({ length: 32 * 32 * 3 }, (_, i) => (i % 7) * (i % 3) * 17)
  return [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(level => ({
    name: `compression level ${level}`,
    bytes: encodePng({ ...plain, level, samples }),
  }))
}

/** IDAT in parts: of one byte, and empty ones at the start, in the middle and at the end. */
function divisions(): NamedImage[] {
  const oneByte = [plain, { ...plain, colourType: 3 } as const, { ...plain, colourType: 0 } as const].map(
    picture => ({
      name: `IDAT of 1 byte each, ${nameOf(picture)}`,
      bytes: encodePng({ ...picture, width: 8, height: 8, idatBytes: 1 }),
    }),
  )
  const withEmpty = [2, 3, 4].map(colourType => {
    const picture = { ...plain, colourType: colourType as 2 | 3 | 4 }
    const empty = chunk('IDAT')
    const [first, ...rest] = dataChunks(imageStream(picture), 500)
    const data = [empty, empty, first!, empty, ...rest, empty]
    return {
      name: `empty IDAT, ${nameOf(picture)}`,
      bytes: pngOf([...headChunks(picture), ...data, ...tailChunks(picture)]),
    }
  })
  return [...oneByte, ...withEmpty]
}

function palettes(): NamedImage[] {
  const three = Buffer.from([255, 0, 0, 0, 255, 0, 1, 2, 3])
  const samples = Array.from({ length: 32 * 32 }, (_, i) => i % 16)
  const picture: Picture = { ...plain, colourType: 3, bitDepth: 4, palette: three }
  return [
    { name: 'palette of three entries', bytes: encodePng(picture) },
    { name: 'palette of one entry', bytes: encodePng({ ...picture, palette: three.subarray(0, 3) }) },
    { name: 'palette index beyond PLTE', bytes: encodePng({ ...picture, samples }) },
    { name: 'PLTE in an RGB image', bytes: encodePng({ ...plain, palette: three }) },
    { name: 'PLTE in an RGBA image', bytes: encodePng({ ...plain, colourType: 6, palette: three }) },
  ]
}
