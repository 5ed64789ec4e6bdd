import { broken } from './errors.ts'
import type { Layout } from './layout.ts'
import type { ChannelPair } from './recoder.ts'

const NOTHING = Buffer.alloc(0)

/** Filter types of a row: None, Sub, Up, Average, Paeth (PNG third edition, section 9.2). */
const MAX_FILTER = 4

/**
 * Walks over the still-filtered rows of one image as they come, checks them, and may exchange two channels.
 */
export class Rows {
  readonly #layout: Layout
  readonly #channels: ChannelPair | undefined
  #bytesLeft: number
  #pass = 0
  #rowsLeft: number
  /** Bytes of the present row already seen; at 0 the filter byte comes next. */
  #column = 0
  /** The bytes of a pixel whose rest is still to come. */
  #tail: Buffer = NOTHING

  /** Without `channels` the rows are only checked. */
  constructor(layout: Layout, channels?: ChannelPair) {
    this.#layout = layout
    this.#channels = channels
    this.#bytesLeft = layout.inflatedBytes
    this.#rowsLeft = layout.passes[0]?.height ?? 0
  }

  /**
   * Takes the next inflated bytes and gives back those that are done, changed in place where that is
   * possible. Throws `broken` on a filter byte beyond 4, and on more bytes than the layout has.
   */
  walk(piece: Buffer): Buffer {
    if (piece.length > this.#bytesLeft) throw tooManyBytes(this.#layout)
    this.#bytesLeft -= piece.length
    const bytes = this.#tail.length === 0 ? piece : Buffer.concat([this.#tail, piece])
    const done = this.#advance(bytes)
    this.#tail = done === bytes.length ? NOTHING : bytes.subarray(done)
    return done === bytes.length ? bytes : bytes.subarray(0, done)
  }

  /** Throws `broken` unless every byte of the layout has come. */
  end(): void {
    if (this.#bytesLeft > 0) throw tooFewBytes(this.#layout)
  }

  #advance(bytes: Buffer): number {
    const { passes, pixelBytes } = this.#layout
    let at = 0
    while (at < bytes.length) {
      const rowBytes = passes[this.#pass]?.rowBytes ?? 0
      if (this.#column === 0) {
        const filter = bytes[at] as number
        if (filter > MAX_FILTER) throw badFilter(filter)
        at += 1
        this.#column = 1
      }
      const present = Math.min(rowBytes - this.#column, bytes.length - at)
      const whole = this.#channels === undefined ? present : present - (present % pixelBytes)
      if (this.#channels !== undefined) this.#exchange(bytes, this.#channels, at, at + whole)
      at += whole
      this.#column += whole
      if (this.#column === rowBytes) this.#nextRow()
      else if (whole < present) return at
    }
    return at
  }

  #exchange(bytes: Buffer, channels: ChannelPair, from: number, to: number): void {
    const { pixelBytes, sampleBytes } = this.#layout
    const first = channels[0] * sampleBytes
    const gap = channels[1] * sampleBytes - first
    for (let byte = 0; byte < sampleBytes; byte += 1) {
      for (let at = from + first + byte; at < to; at += pixelBytes) {
        const kept = bytes[at] as number
        bytes[at] = bytes[at + gap] as number
        bytes[at + gap] = kept
      }
    }
  }

  #nextRow(): void {
    this.#column = 0
    this.#rowsLeft -= 1
    if (this.#rowsLeft > 0) return
    this.#pass += 1
    this.#rowsLeft = this.#layout.passes[this.#pass]?.height ?? 0
  }
}

/** The refusal of image data that goes on after the last row. */
export function tooManyBytes(layout: Layout): Error {
  return broken(inflates('more', layout))
}

/** The refusal of image data that ends before the last row does. */
export function tooFewBytes(layout: Layout): Error {
  return broken(inflates('fewer', layout))
}

/** The refusal of a row whose filter type is none. */
export function badFilter(type: number): Error {
  return broken(`a row has filter type ${type}, which does not exist`)
}

function inflates(how: 'more' | 'fewer', layout: Layout): string {
  return `the image data inflates to ${how} bytes than ${layout.width} x ${layout.height} pixels need`
}
