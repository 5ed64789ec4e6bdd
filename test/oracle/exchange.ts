import { deflateSync } from 'node:zlib'
import { chunk, dataChunks, frameControl, frameData, pngOf } from '../images/chunk.ts'
import { type FilterChoice, type SampleGrid, scanlines } from '../images/scanlines.ts'
import { type Decoded, decodePng, type Frame } from './decode.ts'
import { fateOf } from './rules.ts'

/** A right result for a valid upload, made the long way: decode, exchange the samples, encode again. */
export function exchange(upload: Buffer): Buffer {
  const image = decodePng(upload)
  const isTrueColour = image.header.colourType === 2 || image.header.colourType === 6
  const isMoving = isTrueColour && image.isAnimated
  const frames = isTrueColour ? [...image.frames] : []
  let sequence = 0
  const chunks = image.chunks.flatMap((original, index) => {
    const { type } = original
    if (isTrueColour && type === 'IDAT') {
      return image.chunks[index - 1]!.type === 'IDAT' ? [] : dataChunks(streamOf(frames.shift()!, image))
    }
    if (isMoving && type === 'fdAT') {
      return hasFrameBegun(image, index) ? [] : frameData(sequence++, streamOf(frames.shift()!, image))
    }
    const { data } = fateOf(original, image)
    if (data === undefined) return []
    if (isMoving && type === 'fcTL') {
      const number = frameControl(sequence++, 0, 0).subarray(8, 12)
      return [chunk(type, Buffer.concat([number, data.subarray(4)]))]
    }
    return [chunk(type, data)]
  })
  return pngOf(chunks)
}

/** Whether an earlier fdAT belongs to the same frame. */
function hasFrameBegun({ chunks }: Decoded, index: number): boolean {
  const before = chunks.slice(0, index).filter(({ type }) => type === 'fcTL' || type === 'fdAT')
  return before.at(-1)!.type === 'fdAT'
}

function streamOf(frame: Frame, { header }: Decoded): Buffer {
  const { channels } = header
  const samples = frame.samples.slice()
  for (let i = 0; i < samples.length; i += channels) {
    samples[i] = frame.samples[i + 1]!
    samples[i + 1] = frame.samples[i]!
  }
  const grid = {
    width: frame.width,
    height: frame.height,
    colourType: header.colourType,
    bitDepth: header.bitDepth,
    interlaced: header.isInterlaced,
    samples,
  } as SampleGrid
  const filters: FilterChoice = frame.filters
  return deflateSync(scanlines(grid, filters))
}
