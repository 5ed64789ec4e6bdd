/** The polynomial of PNG third edition, section 5.5, and of ISO 3309, its bits reversed. */
const POLYNOMIAL: u32 = 0xedb88320
/** What a byte does to the sum, u32 by byte: alone, and with 1 to 7 zero bytes behind it. */
const TABLE: usize = memory.data(8 * 1024, 64)

// A byte may be struck out if it is added to the bytes that stand so many places behind it: the polynomial divides
// 1 + x^(8 (D-A)) + x^(8 (D-B)) + x^(8 (D-C)) + x^(8 D), which test/codec/crc.test.ts works out. This is the idea of Sam
// Russell, "Chorba: A novel CRC32 implementation" (2024), with a multiple that was searched for here: of those with five
// terms and A of a vector at least, it reaches least far.
const A: usize = 145
const B: usize = 183
const C: usize = 211
const D: usize = 300
/** Fewer bytes are quicker by the table alone. */
const LEAST_STRUCK = 384

/** Most bytes at a time. They are struck out where they stand: smaller pieces are no quicker. */
const SPACE_BYTES = 64 * 1024
/** `D` bytes and less than a vector, in whole vectors: so many at the end cannot be struck out. */
const LAST_BYTES = 320
const LAST: usize = memory.data(LAST_BYTES, 64)
/** Zeros, where what stands before the first byte is looked for, and then the bytes themselves. */
const ZEROS: usize = memory.data(LAST_BYTES + SPACE_BYTES, 64)

/** CRC-32 (PNG third edition, section 5.5). */
@unmanaged
export class Crc {
  /** Where bytes must stand, up to 64 KB of them. */
  static readonly SPACE: usize = ZEROS + LAST_BYTES

  /** Fills the table. */
  static build(): void {
    for (let byte = 0; byte < 256; byte++) {
      let sum: u32 = byte
      for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? POLYNOMIAL ^ (sum >> 1) : sum >> 1
      store<u32>((<usize>byte) << 2, sum, TABLE)
    }
    for (let at: usize = 0; at < 7 * 1024; at += 4) {
      const sum = load<u32>(at, TABLE)
      store<u32>(at, load<u32>(Crc.place(sum, 0), TABLE) ^ (sum >> 8), TABLE + 1024)
    }
  }

  /** The sum of `count` more bytes, from what it was before (0 at the start). The bytes are spoilt. */
  static update(count: i32, before: u32): u32 {
    if (count < LEAST_STRUCK) return ~Crc.divide(Crc.SPACE, count, ~before)
    store<u32>(Crc.SPACE, load<u32>(Crc.SPACE) ^ ~before)
    const struck = (count - <i32>D) & ~15
    const left = count - struck
    const end = Crc.SPACE + <usize>struck
    Crc.strike(Crc.SPACE, Crc.SPACE, end)
    memory.copy(LAST, end, left)
    // They are not struck out, so nothing is added to others for them.
    memory.fill(end, 0, left)
    Crc.strike(end, LAST, LAST + <usize>left)
    return ~Crc.divide(LAST, left, 0)
  }

  /**
   * To each vector from `to` to `end` adds those that stand `A`, `B`, `C` and `D` bytes before its place. That of the first
   * is `from`; where the vectors stand in their places, what was added to one goes on with it.
   */
  private static strike(from: usize, to: usize, end: usize): void {
    for (let at = from - D; to < end; to += 16, at += 16) {
      const near = v128.xor(v128.load(at, D - A), v128.load(at, D - B))
      const far = v128.xor(v128.load(at, D - C), v128.load(at))
      v128.store(to, v128.xor(v128.load(to), v128.xor(near, far)))
    }
  }

  /** The remainder by the table. */
  private static divide(from: usize, count: i32, before: u32): u32 {
    let sum = before
    let at = from
    const end = from + <usize>count
    for (; at + 8 <= end; at += 8) {
      const word = load<u64>(at) ^ sum
      sum =
        load<u32>(Crc.place(word, 0), TABLE + 7 * 1024) ^
        load<u32>(Crc.place(word, 8), TABLE + 6 * 1024) ^
        load<u32>(Crc.place(word, 16), TABLE + 5 * 1024) ^
        load<u32>(Crc.place(word, 24), TABLE + 4 * 1024) ^
        load<u32>(Crc.place(word, 32), TABLE + 3 * 1024) ^
        load<u32>(Crc.place(word, 40), TABLE + 2 * 1024) ^
        load<u32>(Crc.place(word, 48), TABLE + 1024) ^
        load<u32>(Crc.place(word, 56), TABLE)
    }
    for (; at < end; at++) sum = load<u32>(Crc.place(sum ^ load<u8>(at), 0), TABLE) ^ (sum >> 8)
    return sum
  }

  /** Where the table has what belongs to the byte of `word` that stands `shift` bits up. */
  @inline
  private static place(word: u64, shift: u64): usize {
    return (<usize>((word >> shift) & 0xff)) << 2
  }
}
