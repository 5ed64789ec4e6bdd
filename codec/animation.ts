import { broken, PngError } from './errors.ts'
import { type Header, MAX_UINT } from './header.ts'

/** Width and height of a frame, in pixels. */
export interface FrameSize {
  readonly width: number
  readonly height: number
}

/**
 * The rules of an animation, followed chunk by chunk (PNG third edition, sections 11.3.6 and 4.9): sequence
 * numbers count up from 0 over fcTL and fdAT alike, each fcTL is followed by the data of its frame, each
 * frame lies inside the canvas, and there are as many frames as acTL says. Every violation is `broken`.
 */
export class Animation {
  readonly #header: Header
  readonly #maxPixels: number
  readonly #frames: number
  #pixels = 0
  #framesSeen = 0
  #sequence = 0
  #frame: FrameSize | undefined
  #nextWritten = 0

  /** From the data of acTL. More than `maxPixels` over all frames is `too-large`. */
  constructor(data: Buffer, header: Header, maxPixels: number) {
    if (data.length !== 8) throw broken('acTL is not 8 bytes long')
    this.#frames = data.readUInt32BE(0)
    if (this.#frames === 0 || this.#frames > MAX_UINT) throw broken(`acTL says ${this.#frames} frames`)
    this.#header = header
    this.#maxPixels = maxPixels
  }

  /** Takes the data of an fcTL that stands before (`isDefault`) or after the IDAT chunks. */
  control(data: Buffer, isDefault: boolean): void {
    if (data.length !== 26) throw broken('an fcTL chunk is not 26 bytes long')
    this.#follow(data, 'fcTL')
    if (this.#frame !== undefined) throw broken('two fcTL chunks stand without image data between them')
    const [width, height, x, y] = [4, 8, 12, 16].map(at => data.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
    ]
    const canvas = this.#header
    this.#framesSeen += 1
    if (width === 0 || height === 0 || x + width > canvas.width || y + height > canvas.height) {
      throw broken(
        `frame ${this.#framesSeen} does not lie inside the ${canvas.width} x ${canvas.height} canvas`,
      )
    }
    if (isDefault && (width !== canvas.width || height !== canvas.height)) {
      throw broken('the frame that is the default image does not fill the canvas')
    }
    this.#pixels += width * height
    if (this.#pixels > this.#maxPixels) {
      throw new PngError('too-large', `the frames have more than the ${this.#maxPixels} pixels allowed`)
    }
    this.#frame = { width, height }
  }

  /** The IDAT chunks come now: they are the frame that an fcTL before them announced, if there was one. */
  defaultImage(): void {
    this.#frame = undefined
  }

  /** The fdAT chunks of a frame come now: its size. */
  frame(): FrameSize {
    const frame = this.#frame
    if (frame === undefined) throw broken('fdAT chunks stand without an fcTL chunk before them')
    this.#frame = undefined
    return frame
  }

  /** Takes the sequence number of an fdAT chunk, its first four bytes. */
  data(sequence: Buffer): void {
    this.#follow(sequence, 'fdAT')
  }

  /** The next four bytes of sequence number for the output, which may have another number of fdAT chunks. */
  written(): Buffer {
    const bytes = Buffer.allocUnsafe(4)
    bytes.writeUInt32BE(this.#nextWritten)
    this.#nextWritten += 1
    return bytes
  }

  /** IEND has come. */
  end(): void {
    if (this.#frame !== undefined) throw broken('the last fcTL chunk has no image data after it')
    if (this.#framesSeen !== this.#frames) {
      throw broken(`acTL says ${this.#frames} frames, and there are ${this.#framesSeen}`)
    }
  }

  #follow(data: Buffer, type: string): void {
    const found = data.readUInt32BE(0)
    if (found !== this.#sequence) {
      throw broken(`an ${type} chunk has sequence number ${found} where ${this.#sequence} is due`)
    }
    this.#sequence += 1
  }
}
