import { deflateSync } from 'node:zlib'
import { chunk, dataChunks, frameControl, frameData, headerChunk, pngOf } from './chunk.ts'
import { createRandom } from './random.ts'
import { channelsOf, type FilterChoice, type SampleGrid, scanlines } from './scanlines.ts'

export { chunk, pngOf } from './chunk.ts'

export interface NamedImage {
  readonly name: string
  readonly bytes: Buffer
}

/** A PNG to be made. Without `samples` it shows noise; the same picture is always the same bytes. */
export interface Picture extends Omit<SampleGrid, 'samples'> {
  readonly samples?: ArrayLike<number>
  /** Of the noise; default 1. */
  readonly seed?: number
  /** Default `mixed`. */
  readonly filter?: FilterChoice
  /** Entries of three bytes; a palette image without has noise in all that its depth can name. */
  readonly palette?: Buffer
  /** Chunks between IHDR and PLTE, between PLTE and IDAT, between the last IDAT (or fdAT) and IEND. */
  readonly before?: Buffer[]
  readonly afterPlte?: Buffer[]
  readonly after?: Buffer[]
  /** Of zlib, 0 to 9; default 6. */
  readonly level?: number
  /** Most bytes of data in an IDAT or fdAT; default: all in one. */
  readonly idatBytes?: number
}

/** A frame of an animation; without `samples` it shows noise. */
export interface FramePicture {
  readonly width: number
  readonly height: number
  /** Place on the canvas, default 0. */
  readonly x?: number
  readonly y?: number
  readonly samples?: ArrayLike<number>
  readonly seed?: number
}

export interface Animation extends Picture {
  /** The frames in fdAT chunks, so without the default image. */
  readonly frames: FramePicture[]
  /** Whether the default image (IDAT) is the first frame; default true. */
  readonly isDefaultShown?: boolean
}

export function encodePng(picture: Picture): Buffer {
  return pngOf([...headChunks(picture), ...imageChunks(picture), ...tailChunks(picture)])
}

/** An animated PNG (11.3.6): acTL and the fcTL of the default image come just before IDAT. */
export function apng(animation: Animation): Buffer {
  const { width, height, frames, isDefaultShown = true } = animation
  const counts = Buffer.alloc(8)
  counts.writeUInt32BE(frames.length + (isDefaultShown ? 1 : 0), 0)
  const chunks = [...headChunks(animation), chunk('acTL', counts)]
  let sequence = 0
  if (isDefaultShown) chunks.push(frameControl(sequence++, width, height))
  chunks.push(...imageChunks(animation))
  for (const [index, frame] of frames.entries()) {
    chunks.push(frameControl(sequence++, frame.width, frame.height, frame.x, frame.y))
    const stream = imageStream(frameOf(animation, frame, index))
    const data = frameData(sequence, stream, animation.idatBytes)
    sequence += data.length
    chunks.push(...data)
  }
  return pngOf([...chunks, ...tailChunks(animation)])
}

/** IHDR, `before`, PLTE, `afterPlte`. */
export function headChunks(picture: Picture): Buffer[] {
  const { width, height, bitDepth, colourType, interlaced, before = [], afterPlte = [] } = picture
  const palette = picture.palette ?? (colourType === 3 ? noisePalette(picture) : undefined)
  const plte = palette ? [chunk('PLTE', palette)] : []
  return [headerChunk(width, height, bitDepth, colourType, interlaced), ...before, ...plte, ...afterPlte]
}

/** The IDAT chunks. */
export function imageChunks(picture: Picture): Buffer[] {
  return dataChunks(imageStream(picture), picture.idatBytes)
}

/** `after` and IEND. */
export function tailChunks({ after = [] }: Picture): Buffer[] {
  return [...after, chunk('IEND')]
}

/** The zlib stream of a picture. */
export function imageStream(picture: Picture): Buffer {
  const samples = picture.samples ?? noiseSamples(picture)
  return deflateSync(scanlines({ ...picture, samples }, picture.filter ?? 'mixed'), {
    level: picture.level ?? 6,
  })
}

function frameOf({ samples: _, ...format }: Animation, frame: FramePicture, index: number): Picture {
  return { ...format, seed: (format.seed ?? 1) * 1000 + index, ...frame }
}

/** Values that the depth allows, and of a palette image only such as the palette has an entry for. */
function noiseSamples({ width, height, colourType, bitDepth, palette, seed = 1 }: Picture): Uint16Array {
  const random = createRandom(`samples ${seed}`)
  const limit = colourType === 3 && palette ? palette.length / 3 : 2 ** bitDepth
  return new Uint16Array(width * height * channelsOf[colourType]).map(() => random.below(limit))
}

function noisePalette({ bitDepth, seed = 1 }: Picture): Buffer {
  return createRandom(`palette ${seed}`).bytes(3 * 2 ** bitDepth)
}
