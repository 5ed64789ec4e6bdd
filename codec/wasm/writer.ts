import { SEGMENT_BYTES } from './window.ts'

/**
 * Room for what one segment becomes: at most its own bytes in stored blocks, with the end of the block before, the
 * heads, and a last empty block; the writer stores eight bytes at a time.
 */
const OUTPUT_BYTES = 2 * SEGMENT_BYTES + 8192
const OUTPUT: usize = memory.data(OUTPUT_BYTES, 16)

/** The bit writer: bits go to the least significant end of each byte first (RFC 1951 section 3.1.1). */
export class Writer {
  static next: usize = OUTPUT
  /** Bits that do not fill a byte yet, and how many they are. */
  static bits: u64 = 0
  static count: u64 = 0

  static begin(): void {
    Writer.next = OUTPUT
    Writer.bits = 0
    Writer.count = 0
  }

  /** Begins to fill the room anew; bits that do not fill a byte stay. */
  static rewind(): void {
    Writer.next = OUTPUT
  }

  @inline
  static start(): usize {
    return OUTPUT
  }

  static bytes(): i32 {
    return <i32>(Writer.next - OUTPUT)
  }

  /** Writes the low `count` bits of `value`, at most 56; the others must be 0. */
  static put(value: u64, count: u64): void {
    const bits = Writer.bits | (value << Writer.count)
    const total = Writer.count + count
    store<u64>(Writer.next, bits)
    Writer.next += <usize>(total >> 3)
    Writer.bits = bits >> (total & ~7)
    Writer.count = total & 7
  }

  /** Fills the byte up with zeros. */
  static align(): void {
    if (Writer.count > 0) Writer.put(0, 8 - Writer.count)
  }
}
