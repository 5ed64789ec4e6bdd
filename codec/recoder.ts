import type { Layout } from './layout.ts'

/** Two channels of a pixel, counted from 0: red and green are 0 and 1. */
export type ChannelPair = readonly [number, number]

/**
 * The compression work of a swap, and the checksums of its chunks: all that costs time. Behind it stand the module
 * (`wasm.ts`) and node:zlib (`zlib.ts`).
 *
 * For `recode` and `verify`: `zlib` is one zlib stream (RFC 1950) in pieces of any size, empty ones too, none of them
 * changed after it was given. It is read to its end; what comes after the end of the stream in it is ignored.
 * A stream that is damaged, cut short, longer or shorter than the layout, or has a filter byte beyond 4 is
 * refused with `PngError` `broken`, at the latest when the iteration ends; an error of `zlib` itself comes
 * through as it is. A stream that inflates to more than the layout needs stops being inflated there. Memory
 * does not grow with the image. Leaving the iteration early frees everything.
 */
export interface Recoder {
  /**
   * Exchanges two channels and gives a new zlib stream, in pieces of any size. Only for depths of 8 and 16
   * bits. The filter of each row is kept: filters predict from the same channel, so that exchanging commutes
   * with filtering (PNG third edition, section 9.2).
   */
  recode(layout: Layout, channels: ChannelPair, zlib: AsyncIterable<Uint8Array>): AsyncIterable<Buffer>

  /** Only checks. Passes on each piece of `zlib` as it was; it may have been checked by then, or not yet. */
  verify(layout: Layout, zlib: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>

  /**
   * CRC-32 of a chunk's bytes (PNG third edition, section 5.5), unsigned, from what it was of those `before`: 0 at first.
   * Needs no `this`.
   */
  crc32(bytes: Uint8Array, before?: number): number
}
