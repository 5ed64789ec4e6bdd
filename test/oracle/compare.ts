import type { Chunk } from './chunks.ts'
import { type Decoded, decodePng, type Frame } from './decode.ts'
import { type Fate, fateOf } from './rules.ts'

interface Expected extends Fate {
  readonly type: string
}

/**
 * Says in words where `result` is not what the contract ("The swap") promises for `upload`; empty when it is
 * exactly that. An upload that is no valid PNG is a difference too: it should have had no result.
 */
export function differences(upload: Buffer, result: Buffer): string[] {
  let before: Decoded
  let after: Decoded
  try {
    before = decodePng(upload)
  } catch (error) {
    return [`the upload is broken: ${(error as Error).message}`]
  }
  try {
    after = decodePng(result)
  } catch (error) {
    return [`the result is broken: ${(error as Error).message}`]
  }
  const headers = headerDifferences(before, after)
  if (headers.length > 0) return headers
  return [
    ...fileDifferences(before, after),
    ...chunkDifferences(before, after),
    ...frameDifferences(before, after),
  ]
}

function headerDifferences(before: Decoded, after: Decoded): string[] {
  const names = ['width', 'height', 'colourType', 'bitDepth', 'isInterlaced'] as const
  return names
    .filter(name => before.header[name] !== after.header[name])
    .map(name => `${name} was ${before.header[name]}, is ${after.header[name]}`)
}

function fileDifferences(before: Decoded, after: Decoded): string[] {
  const found = after.chunks.filter(chunk => !chunk.crcOk).map(chunk => `wrong CRC in ${chunk.type}`)
  if (after.trailingBytes > 0) found.push(`${after.trailingBytes} bytes after IEND`)
  if (isTrueColour(before)) {
    after.frames.forEach((frame, index) => {
      if (frame.surplusBytes > 0)
        found.push(`frame ${index}: ${frame.surplusBytes} bytes after the zlib stream`)
    })
  }
  return found
}

/** Walks both lists of chunks side by side and stops at the first that does not fit. */
function chunkDifferences(before: Decoded, after: Decoded): string[] {
  const expected = withoutPixels(before).flatMap<Expected>(chunk => {
    const fate = fateOf(chunk, before)
    return fate.data === undefined ? [] : [{ type: chunk.type, ...fate }]
  })
  const found = withoutPixels(after)
  let next = 0
  for (const chunk of found) {
    while (expected[next]?.isFree && !isSame(expected[next]!, chunk)) next += 1
    if (!expected[next] || !isSame(expected[next]!, chunk)) {
      return [`chunk: expected ${describe(expected[next])}, found ${describe(chunk)}`]
    }
    next += 1
  }
  const missing = expected.slice(next).filter(chunk => !chunk.isFree)
  return missing.map(chunk => `chunk: expected ${describe(chunk)}, found nothing`)
}

/**
 * The chunks that must be the same bytes. With red and green the pixels are compared as samples, however they are cut
 * into chunks: of IDAT only its place remains, nothing of fdAT, and fcTL without the sequence numbers.
 */
function withoutPixels(image: Decoded): Chunk[] {
  const { chunks } = image
  if (!isTrueColour(image)) return chunks
  const empty = Buffer.alloc(0)
  return chunks.flatMap((chunk, index) => {
    if (chunk.type === 'fdAT' && image.isAnimated) return []
    if (chunk.type === 'fcTL' && image.isAnimated) return [{ ...chunk, data: chunk.data.subarray(4) }]
    if (chunk.type !== 'IDAT') return [chunk]
    return chunks[index - 1]!.type === 'IDAT' ? [] : [{ ...chunk, data: empty }]
  })
}

function isSame(expected: Expected, found: Chunk): boolean {
  return expected.type === found.type && expected.data!.equals(found.data)
}

function describe(chunk: Chunk | Expected | undefined): string {
  if (!chunk) return 'nothing'
  const head = chunk.data!.toString('hex', 0, 24)
  return `${chunk.type} of ${chunk.data!.length} bytes (${head}${chunk.data!.length > 24 ? '...' : ''})`
}

function frameDifferences(before: Decoded, after: Decoded): string[] {
  if (before.frames.length !== after.frames.length) {
    return [`${before.frames.length} frames were ${after.frames.length}`]
  }
  return before.frames.flatMap((frame, index) => {
    const result = after.frames[index]!
    if (frame.width !== result.width || frame.height !== result.height)
      return [`frame ${index}: another size`]
    return [...sampleDifferences(frame, result, before, index), ...filterDifferences(frame, result, index)]
  })
}

/** Every sample: red of the result is green of the upload, green is red, the others are themselves. */
function sampleDifferences(frame: Frame, result: Frame, { header }: Decoded, index: number): string[] {
  const sources = header.colourType === 2 ? [1, 0, 2] : header.colourType === 6 ? [1, 0, 2, 3] : undefined
  const { channels } = header
  let wrong = 0
  let first = -1
  for (let i = 0; i < frame.samples.length; i++) {
    const channel = i % channels
    const source = sources ? i - channel + sources[channel]! : i
    if (result.samples[i] !== frame.samples[source]) {
      wrong += 1
      if (wrong === 1) first = i
    }
  }
  if (wrong === 0) return []
  const pixel = Math.floor(first / channels)
  const place = `x ${pixel % frame.width}, y ${Math.floor(pixel / frame.width)}, channel ${first % channels}`
  return [`frame ${index}: ${wrong} of ${frame.samples.length} samples are wrong, the first at ${place}`]
}

/** The original encoder's choice of filters is kept: it is what the size of the file rests on. */
function filterDifferences(frame: Frame, result: Frame, index: number): string[] {
  const row = frame.filters.findIndex((filter, i) => filter !== result.filters[i])
  if (row < 0) return []
  return [`frame ${index}: filter type of row ${row} was ${frame.filters[row]}, is ${result.filters[row]}`]
}

function isTrueColour({ header }: Decoded): boolean {
  return header.colourType === 2 || header.colourType === 6
}
