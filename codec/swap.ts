import { setImmediate } from 'node:timers/promises'
import { exchangeAncillary, exchangePalette, survives } from './ancillary.ts'
import { Animation } from './animation.ts'
import { ChunkReader, chunkOf, headOf, isCritical, partsOf } from './chunks.ts'
import { broken } from './errors.ts'
import { HEADER_BYTES, type Header, readHeader } from './header.ts'
import { layoutOf } from './layout.ts'
import { inLists, inPieces } from './pieces.ts'
import type { Recoder } from './recoder.ts'

/** Bytes of a piece of output, and of the data of a new IDAT or fdAT chunk, at most. */
export const PIECE_BYTES = 64 * 1024

/** A new IDAT or fdAT chunk has at least so many bytes of data, but for the last: each costs 12 more. */
const CHUNK_LEAST = 16 * 1024

/**
 * Most bytes of an ancillary chunk: it is held until its CRC is known. A longer one makes the file
 * `too-large`.
 */
export const MAX_ANCILLARY_BYTES = 16 * 1024 * 1024

/**
 * How many times `maxPixels` all frames of an animation may have together, unless `maxAnimationPixels` says.
 */
export const ANIMATION_FACTOR = 10

/** What is refused as `too-large`. */
export interface SwapLimits {
  /** Pixels of the image (the canvas, in an animation). */
  readonly maxPixels: number
  /** Bytes of the input, those after IEND included. */
  readonly maxBytes: number
  /** Pixels of all frames of an animation together; `ANIMATION_FACTOR * maxPixels` unless given. */
  readonly maxAnimationPixels?: number
}

export interface SwapOptions extends SwapLimits {
  readonly recoder: Recoder
}

const RED_AND_GREEN = [0, 1] as const
const NOTHING = Buffer.alloc(0)

/**
 * Exchanges red and green in a PNG: PNG in, PNG out, both in pieces, in memory that does not grow with the
 * image.
 *
 * Grey images come back byte for byte, palette images with another palette, the others with their image data
 * coded anew; dimensions, type, depth, interlacing, filters, alpha and all samples stay. Every file is
 * checked to its end. Rejects with `PngError`, possibly after some output: a result is one only when the
 * iteration has ended. An error of the input comes through as it is. Leaving the iteration early frees
 * everything and closes the input.
 */
export function swapRedGreen(input: AsyncIterable<Uint8Array>, options: SwapOptions): AsyncGenerator<Buffer> {
  return inPieces(swapInParts(input, options), PIECE_BYTES)
}

/** As `swapRedGreen`, in pieces of any size, as they come about: for who puts them together in another way. */
export async function* swapInParts(
  input: AsyncIterable<Uint8Array>,
  options: SwapOptions,
): AsyncGenerator<Uint8Array> {
  const reader = new ChunkReader(input, options.maxBytes, options.recoder.crc32)
  try {
    const start = await reader.take(HEADER_BYTES)
    const header = readHeader(start, options)
    yield start
    yield* new Swap(reader, header, options).chunks()
  } finally {
    await reader.close()
  }
}

/** One swap: what is known of the file so far. */
class Swap {
  readonly #reader: ChunkReader
  readonly #header: Header
  readonly #options: SwapOptions
  readonly #isGrey: boolean
  #hasPalette = false
  #hasImage = false
  #animation: Animation | undefined

  constructor(reader: ChunkReader, header: Header, options: SwapOptions) {
    this.#reader = reader
    this.#header = header
    this.#options = options
    this.#isGrey = header.colourType === 0 || header.colourType === 4
  }

  /** Everything after IHDR. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    const reader = this.#reader
    await reader.next()
    while (reader.current.type !== 'IEND') {
      const { type } = reader.current
      if (type === 'IDAT' || (type === 'fdAT' && this.#animation !== undefined)) {
        yield* this.#imageData(type)
        continue
      }
      if (type === 'PLTE') yield await this.#palette()
      else if (isCritical(type)) throw this.#unexpected(type)
      else yield await this.#ancillary(type)
      await reader.next()
    }
    yield await this.#end()
  }

  async #palette(): Promise<Buffer> {
    const { length } = this.#reader.current
    if (this.#hasPalette) throw broken('there are two PLTE chunks')
    if (this.#hasImage) throw broken('PLTE stands after the image data')
    if (length === 0 || length > 768 || length % 3 !== 0) {
      throw broken(`PLTE is ${length} bytes long, which is not 1 to 256 entries of 3 bytes`)
    }
    this.#hasPalette = true
    const data = await this.#reader.held(length)
    if (data === undefined) throw broken('PLTE has a wrong CRC')
    return this.#chunk('PLTE', this.#isGrey ? data : exchangePalette(data))
  }

  #unexpected(type: string): Error {
    return broken(
      type === 'IHDR' ? 'there are two IHDR chunks' : `${type} is a critical chunk that nobody knows`,
    )
  }

  /** The chunk as it is to be written; nothing when it is dropped. */
  async #ancillary(type: string): Promise<Buffer> {
    // Without acTL the image is a still, and what its frames hold would be neither checked nor exchanged.
    const isStray = (type === 'fcTL' || type === 'fdAT') && this.#animation === undefined
    const isLate = type === 'acTL' && this.#hasImage
    if (!this.#isGrey && (isStray || isLate || !survives(type))) {
      await this.#reader.skip()
      return NOTHING
    }
    const data = await this.#reader.held(MAX_ANCILLARY_BYTES)
    if (data === undefined) {
      if (type === 'fcTL' && this.#animation !== undefined)
        throw broken(`${this.#reader.name} has a wrong CRC`)
      return NOTHING
    }
    if (type === 'acTL' && !isLate) this.#animate(data)
    if (type === 'fcTL' && this.#animation !== undefined) {
      this.#animation.control(data, !this.#hasImage)
      return this.#chunk(type, this.#animation.written(), data.subarray(4))
    }
    const kept = this.#isGrey ? data : exchangeAncillary(type, data, this.#header)
    return kept === undefined ? NOTHING : this.#chunk(type, kept)
  }

  #animate(data: Buffer): void {
    if (this.#animation !== undefined) throw broken('there are two acTL chunks')
    const { maxPixels, maxAnimationPixels = ANIMATION_FACTOR * maxPixels } = this.#options
    this.#animation = new Animation(data, this.#header, maxAnimationPixels)
  }

  /** A run of IDAT or fdAT chunks; the reader then stands at the chunk behind it. */
  async *#imageData(type: 'IDAT' | 'fdAT'): AsyncGenerator<Uint8Array> {
    if (type === 'IDAT') this.#beginImage()
    else if (!this.#hasImage) throw broken('fdAT stands before the image data')
    const size = type === 'fdAT' ? this.#animation?.frame() : undefined
    // Small frames are done on the event loop, hundreds of them a piece of input: others get a turn between
    // them.
    if (size !== undefined) await setImmediate()
    const layout = layoutOf(this.#header, size)
    const { recoder } = this.#options
    if (this.#isGrey || this.#header.colourType === 3) {
      const copy: Buffer[] = []
      for await (const _ of recoder.verify(layout, this.#payload(type, copy)))
        yield Buffer.concat(copy.splice(0))
      yield Buffer.concat(copy)
      return
    }
    const recoded = recoder.recode(layout, RED_AND_GREEN, this.#payload(type))
    const { crc32 } = recoder
    for await (const data of inLists(recoded, CHUNK_LEAST, PIECE_BYTES))
      yield* partsOf(crc32, type, ...(type === 'IDAT' ? data : [this.#written(), ...data]))
  }

  #beginImage(): void {
    if (this.#hasImage) throw broken('the IDAT chunks do not stand together')
    if (this.#header.colourType === 3 && !this.#hasPalette) throw broken('a palette image has no PLTE chunk')
    this.#hasImage = true
    this.#animation?.defaultImage()
  }

  /** The zlib stream in a run of chunks. The chunks themselves, as they were, go to `copy`. */
  async *#payload(type: 'IDAT' | 'fdAT', copy?: Buffer[]): AsyncGenerator<Buffer> {
    const reader = this.#reader
    while (reader.current.type === type) {
      copy?.push(headOf(reader.current))
      if (type === 'fdAT') {
        if (reader.current.length < 4) throw broken('an fdAT chunk is too short for its sequence number')
        this.#animation?.data(await reader.prefix(4))
        copy?.push(this.#written())
      }
      for await (const piece of reader.pieces()) {
        copy?.push(piece)
        yield piece
      }
      copy?.push(reader.crc)
      // One more turn, so that `copy` is emptied even when there are nothing but empty chunks.
      if (copy !== undefined) yield NOTHING
      await reader.next()
    }
  }

  #chunk(type: string, ...data: readonly Uint8Array[]): Buffer {
    return chunkOf(this.#options.recoder.crc32, type, ...data)
  }

  #written(): Buffer {
    return this.#animation?.written() ?? NOTHING
  }

  async #end(): Promise<Buffer> {
    if (!this.#hasImage) throw broken('there is no IDAT chunk')
    if (this.#reader.current.length !== 0) throw broken('IEND is not empty')
    if ((await this.#reader.held(0)) === undefined) throw broken('IEND has a wrong CRC')
    this.#animation?.end()
    await this.#reader.drain()
    return this.#chunk('IEND')
  }
}
