import type { Header } from '../../codec/header.ts'
import { type Layout, layoutOf } from '../../codec/layout.ts'
import type { ChannelPair } from '../../codec/recoder.ts'
import { isLikely, oneOf, type Random, sizeOf } from './chance.ts'

/** What a stream is to inflate to: without channels it is only verified. */
export interface Frame {
  readonly layout: Layout
  readonly channels: ChannelPair | undefined
}

/** About how many bytes of rows: most are few, so that many can be tried; matches reach 32 KB, segments are 64 KB. */
export type Extent = 'small' | 'medium' | 'large'

const BYTES: Readonly<Record<Extent, readonly [least: number, most: number]>> = {
  small: [1, 3_000],
  medium: [33_000, 70_000],
  large: [66_000, 280_000],
}
const TRUE_COLOUR = [
  [2, 8],
  [6, 8],
  [2, 16],
  [6, 16],
] as const
const OTHERS = [
  [0, 1],
  [0, 2],
  [0, 4],
  [0, 8],
  [0, 16],
  [3, 1],
  [3, 2],
  [3, 4],
  [3, 8],
  [4, 8],
  [4, 16],
] as const
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

export function frameOf(extent: Extent, random: Random): Frame {
  const [colourType, bitDepth] = isLikely(random, 80) ? oneOf(random, TRUE_COLOUR) : oneOf(random, OTHERS)
  const channels = CHANNELS[colourType] as number
  const [least, most] = BYTES[extent]
  const bytes = sizeOf(random, least, most)
  const pixelBytes = (channels * bitDepth) / 8
  const isNarrow = extent === 'small' || random(20) === 0
  const width = isNarrow
    ? sizeOf(random, 1, 40)
    : sizeOf(random, 20, Math.ceil(bytes / Math.max(1, pixelBytes)))
  const header: Header = { width, height: 1, bitDepth, colourType, interlaced: isLikely(random, 25) }
  const height = Math.max(1, Math.ceil(bytes / (1 + width * pixelBytes)))
  const layout = layoutOf(header, { width, height })
  if (colourType !== 2 && colourType !== 6) return { layout, channels: undefined }
  return { layout, channels: isLikely(random, 80) ? [0, 1] : pairOf(channels, random) }
}

function pairOf(channels: number, random: Random): ChannelPair {
  const first = random(channels)
  const second = random(channels - 1)
  return [first, second < first ? second : second + 1]
}

/** A frame of one row of `bytes` bytes, filter byte included, with pixels of any size that fits. */
export function singleRow(bytes: number, random: Random): Frame {
  const header: Header = { width: 1, height: 1, bitDepth: 8, colourType: 2, interlaced: false }
  const fitting = ([...TRUE_COLOUR] as readonly (readonly [2 | 6, 8 | 16])[]).filter(
    ([colourType, bitDepth]) => (bytes - 1) % (((CHANNELS[colourType] as number) * bitDepth) / 8) === 0,
  )
  if (fitting.length === 0 || bytes < 2) {
    return {
      layout: layoutOf({ ...header, colourType: 0 }, { width: Math.max(1, bytes - 1), height: 1 }),
      channels: undefined,
    }
  }
  const [colourType, bitDepth] = oneOf(random, fitting)
  const width = ((bytes - 1) * 8) / ((CHANNELS[colourType] as number) * bitDepth)
  return { layout: layoutOf({ ...header, colourType, bitDepth }, { width, height: 1 }), channels: [0, 1] }
}

/** Where the filter bytes stand, in order. */
export function filterPlaces({ passes }: Layout): number[] {
  const places: number[] = []
  let at = 0
  for (const { rowBytes, height } of passes) {
    for (let row = 0; row < height; row += 1, at += rowBytes) places.push(at)
  }
  return places
}

/** Rows as pictures have them: of all kinds, or even noise, of which little repeats. */
export function pictureOf(layout: Layout, random: Random): Buffer {
  return isLikely(random, 20) ? evenNoise(layout, random) : mixedRows(layout, random)
}

/** Noise, slopes, flat rows, and such as are like one before. */
function mixedRows(layout: Layout, random: Random): Buffer {
  const rows = Buffer.alloc(layout.inflatedBytes)
  let at = 0
  for (const { rowBytes, height } of layout.passes) {
    for (let row = 0; row < height; row += 1, at += rowBytes) {
      const end = at + rowBytes
      const kind = random(6)
      if (kind < 2 && row > 0) {
        const like = at - rowBytes * (1 + random(Math.min(row, 3)))
        rows.copyWithin(at, like, like + rowBytes)
        for (let changes = random(4); changes > 0; changes -= 1) rows[at + random(rowBytes)] = random(256)
      } else if (kind === 2) rows.fill(random(256), at, end)
      else if (kind === 3) for (let i = at; i < end; i += 1) rows[i] = (i - at) * 3
      else {
        const values = kind === 4 ? 256 : 2 + random(6)
        for (let i = at; i < end; i += 1) rows[i] = random(values)
      }
      rows[at] = random(5)
    }
  }
  return rows
}

/** Some whole pixels are those of another place in the row: such matches survive the exchange, at all distances. */
function evenNoise(layout: Layout, random: Random): Buffer {
  const rows = Buffer.alloc(layout.inflatedBytes)
  const { pixelBytes } = layout
  const values = 3 + random(60)
  for (let at = 0; at < rows.length; at += 1) rows[at] = random(values)
  let row = 0
  for (const { rowBytes, height } of layout.passes) {
    for (let left = height; left > 0; left -= 1, row += rowBytes) {
      rows[row] = random(5)
      const pixels = Math.floor((rowBytes - 1) / pixelBytes)
      for (let repeats = random(2 + Math.ceil(rowBytes / 3_000)); repeats > 0 && pixels > 1; repeats -= 1) {
        const from = random(pixels)
        const to = from + 1 + random(pixels - from)
        const count = Math.min(to - from, pixels - to, 4 + random(10))
        const place = row + 1 + from * pixelBytes
        rows.copy(rows, row + 1 + to * pixelBytes, place, place + count * pixelBytes)
      }
    }
  }
  return rows
}
