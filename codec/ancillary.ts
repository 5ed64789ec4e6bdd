import { isSafeToCopy } from './chunks.ts'
import type { Header } from './header.ts'

/**
 * Ancillary chunks that hold whatever the order of the channels is, kept byte for byte. Those of them that
 * are not marked safe to copy are known to hold all the same: none names red or green.
 */
const KEPT: ReadonlySet<string> = new Set([
  ...['iCCP', 'gAMA', 'cHRM', 'sRGB', 'cICP', 'mDCV', 'cLLI', 'eXIf', 'tEXt', 'zTXt', 'iTXt', 'pHYs'],
  ...['tIME', 'hIST', 'oFFs', 'pCAL', 'sCAL', 'sTER', 'acTL', 'fcTL'],
])

/**
 * Whether the chunk survives an exchange of red and green in an image that has them: it is known, or its type
 * is marked safe to copy (PNG third edition, section 5.4). iDOT and caBX are neither.
 */
export function survives(type: string): boolean {
  return KEPT.has(type) || isExchanged(type) || isSafeToCopy(type)
}

/**
 * The data of a surviving ancillary chunk after the exchange, a copy where it differs; undefined for a chunk
 * that names red and green but is not of the length its type has, so that nobody can say which bytes those
 * are: it is to be dropped. Only for colour types 2, 3 and 6. Sources: tRNS 11.3.1.1, sBIT 11.3.2.4, bKGD
 * 11.3.4.1, sPLT 11.3.4.4.
 */
export function exchangeAncillary(type: string, data: Buffer, { colourType }: Header): Buffer | undefined {
  const isIndexed = colourType === 3
  switch (type) {
    case 'tRNS':
      if (isIndexed) return data
      return colourType === 2 && data.length === 6 ? exchangeSamples(data, 0, 6, 2) : undefined
    case 'bKGD':
      if (isIndexed) return data
      return data.length === 6 ? exchangeSamples(data, 0, 6, 2) : undefined
    case 'sBIT':
      return data.length === (colourType === 6 ? 4 : 3) ? exchangeSamples(data, 0, data.length, 1) : undefined
    case 'sPLT':
      return exchangeSuggestedPalette(data)
    default:
      return data
  }
}

/** PLTE's data with the first two bytes of each entry exchanged (section 11.2.2). */
export function exchangePalette(data: Buffer): Buffer {
  return exchangeSamples(data, 0, 3, 1)
}

function isExchanged(type: string): boolean {
  return type === 'tRNS' || type === 'bKGD' || type === 'sBIT' || type === 'sPLT'
}

/**
 * A name of 1 to 79 bytes, NUL, the sample depth, then entries of R, G, B, A and a frequency of two bytes.
 */
function exchangeSuggestedPalette(data: Buffer): Buffer | undefined {
  const nameBytes = data.indexOf(0)
  const depth = data[nameBytes + 1]
  if (nameBytes < 1 || nameBytes > 79 || (depth !== 8 && depth !== 16)) return undefined
  const sampleBytes = depth / 8
  const entryBytes = 4 * sampleBytes + 2
  const from = nameBytes + 2
  return (data.length - from) % entryBytes === 0
    ? exchangeSamples(data, from, entryBytes, sampleBytes)
    : undefined
}

/** A copy of `data` in which, from `from` on, the first two samples of each entry are exchanged. */
function exchangeSamples(data: Buffer, from: number, entryBytes: number, sampleBytes: number): Buffer {
  const exchanged = Buffer.from(data)
  for (let at = from; at < data.length; at += entryBytes) {
    data.copy(exchanged, at, at + sampleBytes, at + 2 * sampleBytes)
    data.copy(exchanged, at + sampleBytes, at, at + sampleBytes)
  }
  return exchanged
}
