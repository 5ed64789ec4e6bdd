/** The polynomial of PNG section 5.5 and ISO 3309, its bits reversed. */
const POLYNOMIAL: u32 = 0xedb88320
/** Words of four bytes that are worked on side by side. */
const BRAIDS = 4
const WORD = 4

/** What a byte does to the sum, u32 by byte: alone, and with 1, 2 and 3 zero bytes behind it. */
const STEP: usize = memory.data(4 * 1024, 16)
/** The same with the bytes of a whole round behind it, for each of the four bytes of a word. */
const ROUND: usize = memory.data(WORD * 1024, 16)

@unmanaged
export class Crc {
  /** Fills the tables. */
  static build(): void {
    for (let byte = 0; byte < 256; byte++) {
      let sum: u32 = byte
      for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? POLYNOMIAL ^ (sum >> 1) : sum >> 1
      store<u32>((<usize>byte) << 2, sum, STEP)
    }
    for (let byte = 0; byte < 256; byte++) {
      let sum = load<u32>((<usize>byte) << 2, STEP)
      for (let zeros = 1; zeros < BRAIDS * WORD; zeros++) {
        sum = Crc.next(sum, 0)
        if (zeros < 4) store<u32>((<usize>((zeros << 8) + byte)) << 2, sum, STEP)
        const place = BRAIDS * WORD - 1 - zeros
        if (place < WORD) store<u32>((<usize>((place << 8) + byte)) << 2, sum, ROUND)
      }
    }
  }

  @inline
  private static next(sum: u32, byte: u32): u32 {
    return load<u32>((<usize>((sum ^ byte) & 0xff)) << 2, STEP) ^ (sum >> 8)
  }

  /** What the four bytes of a word do to the sum; `first` is the table for the byte that comes first. */
  @inline
  private static word(table: usize, first: usize, step: isize, word: u32): u32 {
    return (
      load<u32>(table + first + ((word << 2) & 0x3fc)) ^
      load<u32>(table + first + step + ((word >> 6) & 0x3fc)) ^
      load<u32>(table + first + 2 * step + ((word >> 14) & 0x3fc)) ^
      load<u32>(table + first + 3 * step + ((word >> 22) & 0x3fc))
    )
  }

  /** CRC-32 of `count` more bytes, from what it was before (0 at the start). */
  static update(from: usize, count: i32, before: u32): u32 {
    let at = from
    let sum = ~before
    const end = from + <usize>count
    const roundBytes = BRAIDS * WORD
    if (count >= 2 * roundBytes) {
      const last = end - 2 * roundBytes
      let a = sum
      let b: u32 = 0
      let c: u32 = 0
      let d: u32 = 0
      for (; at <= last; at += roundBytes) {
        a = Crc.word(ROUND, 0, 1024, a ^ load<u32>(at))
        b = Crc.word(ROUND, 0, 1024, b ^ load<u32>(at, 4))
        c = Crc.word(ROUND, 0, 1024, c ^ load<u32>(at, 8))
        d = Crc.word(ROUND, 0, 1024, d ^ load<u32>(at, 12))
      }
      sum = Crc.word(STEP, 3072, -1024, a ^ load<u32>(at))
      sum = Crc.word(STEP, 3072, -1024, sum ^ b ^ load<u32>(at, 4))
      sum = Crc.word(STEP, 3072, -1024, sum ^ c ^ load<u32>(at, 8))
      sum = Crc.word(STEP, 3072, -1024, sum ^ d ^ load<u32>(at, 12))
      at += roundBytes
    }
    for (; at + WORD <= end; at += WORD) sum = Crc.word(STEP, 3072, -1024, sum ^ load<u32>(at))
    for (; at < end; at++) sum = Crc.next(sum, load<u8>(at))
    return ~sum
  }
}
