import { type Chunk, isCritical, isSafeToCopy } from './chunks.ts'
import type { Decoded } from './decode.ts'
import type { Header } from './header.ts'

/** What the contract promises about one chunk of an upload. */
export interface Fate {
  /** The data the result must have in its place; undefined: the chunk must not be there. */
  readonly data: Buffer | undefined
  /** True where the contract is silent: the chunk may stay as it is, or go. */
  readonly isFree: boolean
}

/** Contract, "The swap": not marked safe to copy, and kept all the same, since they hold whatever the colours. */
const keptThoughUnsafe = [
  'tIME',
  'hIST',
  'oFFs',
  'pCAL',
  'sCAL',
  'sTER',
  'acTL',
  'fcTL',
  'fdAT',
  'mDCV',
  'cLLI',
]
/** The colour space: not marked safe to copy either, and kept, since the result is shown in the same one. */
const colourSpace = ['cHRM', 'cICP', 'gAMA', 'iCCP', 'sRGB']

/** Says what becomes of a chunk; not asked for the compressed data of images with red and green. */
export function fateOf(chunk: Chunk, { header, isAnimated }: Decoded): Fate {
  if (!chunk.crcOk) return { data: undefined, isFree: false }
  if (header.colourType === 0 || header.colourType === 4) return { data: chunk.data, isFree: false }
  if (chunk.type === 'PLTE') return { data: exchangedEntries(chunk.data, 0, 3, 1), isFree: false }
  if (['tRNS', 'bKGD', 'sBIT', 'sPLT'].includes(chunk.type)) return exchangedColour(chunk, header)
  const isStray = !isAnimated && ['acTL', 'fcTL', 'fdAT'].includes(chunk.type)
  if (isStray) return { data: chunk.data, isFree: true }
  const isKept =
    isCritical(chunk.type) ||
    isSafeToCopy(chunk.type) ||
    keptThoughUnsafe.includes(chunk.type) ||
    colourSpace.includes(chunk.type)
  return { data: isKept ? chunk.data : undefined, isFree: false }
}

/** The chunks that name single colours. Those of the wrong length name none, and nothing is promised about them. */
function exchangedColour({ type, data }: Chunk, { colourType }: Header): Fate {
  if (type === 'sPLT') return exchangedSuggestion(data)
  // 11.3.1.1 tRNS and 11.3.4.1 bKGD: 2 bytes a sample in RGB; a palette image has alphas and one index there.
  // 11.3.2.4 sBIT: one byte a channel, and the palette's three for a palette image.
  if (colourType === 3 && type !== 'sBIT') return { data, isFree: false }
  const sampleBytes = type === 'sBIT' ? 1 : 2
  const samples = type === 'sBIT' && colourType === 6 ? 4 : 3
  const isAllowed = !(type === 'tRNS' && colourType === 6)
  if (!isAllowed || data.length !== samples * sampleBytes) return { data, isFree: true }
  return { data: exchangedEntries(data, 0, data.length, sampleBytes), isFree: false }
}

/** 11.3.4.4 sPLT: a name, a zero, the depth (8 or 16), then entries of red, green, blue, alpha and a frequency. */
function exchangedSuggestion(data: Buffer): Fate {
  const start = data.indexOf(0) + 2
  const depth = data[start - 1]
  const entryBytes = depth === 8 ? 6 : 10
  const isWellFormed =
    start >= 3 && start <= 81 && (depth === 8 || depth === 16) && (data.length - start) % entryBytes === 0
  if (!isWellFormed) return { data, isFree: true }
  return { data: exchangedEntries(data, start, entryBytes, depth / 8), isFree: false }
}

/** A copy in which the first two samples of every entry from `start` on have changed places. */
function exchangedEntries(data: Buffer, start: number, entryBytes: number, sampleBytes: number): Buffer {
  const copy = Buffer.from(data)
  for (let entry = start; entry < data.length; entry += entryBytes) {
    data.copy(copy, entry, entry + sampleBytes, entry + 2 * sampleBytes)
    data.copy(copy, entry + sampleBytes, entry, entry + sampleBytes)
  }
  return copy
}
