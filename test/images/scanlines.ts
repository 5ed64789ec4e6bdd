/** What a filtered row begins with (9.2): none, sub, up, average, Paeth. */
export type FilterType = 0 | 1 | 2 | 3 | 4
/** One type for all rows, all five by turns, or a type for every row in the order of the file. */
export type FilterChoice = FilterType | 'mixed' | Uint8Array

export interface SampleGrid {
  /** Pixels. */
  readonly width: number
  readonly height: number
  readonly colourType: 0 | 2 | 3 | 4 | 6
  /** Bits a sample. */
  readonly bitDepth: 1 | 2 | 4 | 8 | 16
  readonly interlaced?: boolean
  /** Row by row, channels interleaved, each from 0 to 2^bitDepth-1. */
  readonly samples: ArrayLike<number>
}

/** Samples a pixel. */
export const channelsOf = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const

/** For each of the 8x8 places the Adam7 pass (1 to 7) that carries it, as in the picture of 8.1. */
const passAt = [
  '16462646',
  '77777777',
  '56565656',
  '77777777',
  '36463646',
  '77777777',
  '56565656',
  '77777777',
]

/** The bytes that go into the zlib stream: every row packed, filtered, and with its filter type in front. */
export function scanlines(grid: SampleGrid, filter: FilterChoice): Buffer {
  const bitsPerPixel = channelsOf[grid.colourType] * grid.bitDepth
  const distance = Math.max(1, bitsPerPixel / 8)
  const lines: Buffer[] = []
  for (const rows of grid.interlaced ? passes(grid) : [allRows(grid)]) {
    let above: Buffer = Buffer.alloc(rows[0] ? Math.ceil((rows[0].length * bitsPerPixel) / 8) : 0)
    for (const row of rows) {
      const line = packed(row, grid)
      const index = lines.length
      const type = typeof filter === 'object' ? filter[index]! : filter === 'mixed' ? (index + 1) % 5 : filter
      lines.push(filtered(line, above, type, distance))
      above = line
    }
  }
  return Buffer.concat(lines)
}

/** The pixels of a picture as rows of pixel numbers. */
function allRows({ width, height }: SampleGrid): number[][] {
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => y * width + x))
}

/** The same for each of the seven passes; rows without a pixel are left out. */
function passes(grid: SampleGrid): number[][][] {
  const rows = allRows(grid)
  return ['1', '2', '3', '4', '5', '6', '7'].map(pass =>
    rows.map((row, y) => row.filter((_, x) => passAt[y % 8]![x % 8] === pass)).filter(row => row.length > 0),
  )
}

/** Packs the samples of these pixels into bytes, the first into the highest bits. */
function packed(pixels: number[], { samples, colourType, bitDepth }: SampleGrid): Buffer {
  const channels = channelsOf[colourType]
  const line = Buffer.alloc(Math.ceil((pixels.length * channels * bitDepth) / 8))
  let bit = 0
  for (const pixel of pixels) {
    for (let i = pixel * channels; i < (pixel + 1) * channels; i++) {
      const value = samples[i]!
      if (bitDepth === 16) line.writeUInt16BE(value, bit / 8)
      else line[bit >> 3]! |= value << (8 - bitDepth - (bit & 7))
      bit += bitDepth
    }
  }
  return line
}

/** 9.2: the filter type, and each byte less what the filter foretells; `distance` is the bytes of a pixel. */
function filtered(line: Buffer, above: Buffer, type: number, distance: number): Buffer {
  const result = Buffer.alloc(1 + line.length)
  result[0] = type
  for (let i = 0; i < line.length; i++) {
    const left = i < distance ? 0 : line[i - distance]!
    const corner = i < distance ? 0 : above[i - distance]!
    result[1 + i] = line[i]! - guess(type, left, above[i]!, corner)
  }
  return result
}

function guess(type: number, left: number, up: number, corner: number): number {
  if (type === 1) return left
  if (type === 2) return up
  if (type === 3) return (left + up) >> 1
  return type === 4 ? nearest(left, up, corner) : 0
}

/** 9.4: of the three the one nearest to the plane through them, the first where several are. */
function nearest(left: number, up: number, corner: number): number {
  const plane = left + up - corner
  const [first, second, third] = [Math.abs(plane - left), Math.abs(plane - up), Math.abs(plane - corner)]
  return first <= second && first <= third ? left : second <= third ? up : corner
}
