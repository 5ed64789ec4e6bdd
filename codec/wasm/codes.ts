import { DISTANCE_SYMBOLS, LITERAL_SYMBOLS } from './symbols.ts'
import { MAX_CODE_BITS, Tables } from './tables.ts'

/** Longest codes that are written: four literals, and what is left of a byte, fit into 64 bits. */
export const LITERAL_CODE_BITS: i32 = 14
export const DISTANCE_CODE_BITS: i32 = 12
export const LENGTH_CODE_BITS: i32 = 7

const MOST_SYMBOLS = 288

/** Lengths of codes, u8, and codes with their lengths (`codeOf`, `bitsOf`), u32. */
export const LITERAL_LENGTHS: usize = memory.data(MOST_SYMBOLS, 16)
export const DISTANCE_LENGTHS: usize = memory.data(32, 16)
export const LENGTH_LENGTHS: usize = memory.data(32, 16)
export const LITERAL_CODES: usize = memory.data(4 * MOST_SYMBOLS, 16)
export const DISTANCE_CODES: usize = memory.data(4 * 32, 16)
export const LENGTH_CODES: usize = memory.data(4 * 32, 16)

/** Counts and symbols in one number, then the counts alone, then the depths; i32. */
const NODES: usize = memory.data(4 * MOST_SYMBOLS, 16)
/** Symbols from the rarest to the most frequent, i32. */
const SORTED: usize = memory.data(4 * MOST_SYMBOLS, 16)
/** How many codes have each length, i32; a tree of 288 leaves is at most 63 deep here, deeper ones are taken as 63. */
const DEEPEST = 63
const COUNTS: usize = memory.data(4 * (DEEPEST + 1), 16)
const NEXT: usize = memory.data(4 * (MAX_CODE_BITS + 1), 16)
/** Bits of a symbol in a number that sorts by count. */
const SYMBOL_BITS = 9
/** Counts, of 18 bits at most, are sorted by three digits; where the numbers with each digit go, i32. */
const DIGIT_BITS = 6
const STARTS: usize = memory.data(4 << DIGIT_BITS, 16)

/** Huffman codes of bounded length, for writing. */
export class Codes {
  @inline
  static literalBits(symbol: i32): u8 {
    return load<u8>(<usize>symbol, LITERAL_LENGTHS)
  }

  @inline
  static distanceBits(symbol: i32): u8 {
    return load<u8>(<usize>symbol, DISTANCE_LENGTHS)
  }

  /** The code in an entry of a table of codes, as it is written. */
  @inline
  static codeOf(entry: u32): u32 {
    return entry >> 8
  }

  /** Its length in bits. */
  @inline
  static bitsOf(entry: u32): u32 {
    return entry & 0xff
  }

  /** Before the first block: what literals and matches usually cost in rows of pixels. */
  static guess(): void {
    memory.fill(LITERAL_LENGTHS, 9, 257)
    memory.fill(LITERAL_LENGTHS + 257, 7, LITERAL_SYMBOLS - 257)
    memory.fill(DISTANCE_LENGTHS, 4, DISTANCE_SYMBOLS)
  }

  /**
   * Lengths and codes for `count` symbols from how often each occurs (i32), none longer than `most` bits. A symbol that
   * does not occur gets no code, a lone one gets one of 1 bit.
   */
  static build(counts: usize, count: i32, most: i32, lengths: usize, codes: usize): void {
    memory.fill(lengths, 0, count)
    const used = Codes.sort(counts, count)
    if (used === 0) return
    if (used === 1) {
      store<u8>(lengths + Codes.node(SORTED, 0), 1)
    } else {
      Codes.depths(used)
      Codes.bound(most)
      let symbol = used
      for (let length = 1; length <= most; length++) {
        for (let left = Codes.node(COUNTS, length); left > 0; left--) {
          symbol--
          store<u8>(lengths + Codes.node(SORTED, symbol), length)
        }
      }
    }
    Codes.number(lengths, count, codes)
  }

  /** Gives each symbol the code that follows from all lengths (RFC 1951 section 3.2.2), as it is written. */
  static number(lengths: usize, count: i32, codes: usize): void {
    memory.fill(COUNTS, 0, 4 * (MAX_CODE_BITS + 1))
    for (let symbol = 0; symbol < count; symbol++) Codes.more(COUNTS, load<u8>(lengths + <usize>symbol))
    let code = 0
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      Codes.set(NEXT, length, code)
      code = (code + Codes.node(COUNTS, length)) << 1
    }
    for (let symbol = 0; symbol < count; symbol++) {
      const length = <i32>load<u8>(lengths + <usize>symbol)
      if (length === 0) continue
      const own = Codes.node(NEXT, length)
      Codes.set(NEXT, length, own + 1)
      store<u32>(codes + ((<usize>symbol) << 2), (Tables.reversed(own, length) << 8) | length)
    }
  }

  @inline
  private static node(list: usize, index: i32): i32 {
    return load<i32>(list + ((<usize>index) << 2))
  }

  @inline
  private static set(list: usize, index: i32, value: i32): void {
    store<i32>(list + ((<usize>index) << 2), value)
  }

  @inline
  private static more(list: usize, index: i32): void {
    Codes.set(list, index, Codes.node(list, index) + 1)
  }

  /** Sorts the symbols that occur, the rarest first, into SORTED and their counts into NODES. Gives how many. */
  private static sort(counts: usize, count: i32): i32 {
    let used = 0
    for (let symbol = 0; symbol < count; symbol++) {
      const occurs = Codes.node(counts, symbol)
      if (occurs) Codes.set(NODES, used++, (occurs << SYMBOL_BITS) | symbol)
    }
    // By one digit after the other, the lowest first: no branch that nobody could foretell.
    Codes.byDigit(NODES, SORTED, used, SYMBOL_BITS)
    Codes.byDigit(SORTED, NODES, used, SYMBOL_BITS + DIGIT_BITS)
    Codes.byDigit(NODES, SORTED, used, SYMBOL_BITS + 2 * DIGIT_BITS)
    for (let i = 0; i < used; i++) {
      const value = Codes.node(SORTED, i)
      Codes.set(SORTED, i, value & ((1 << SYMBOL_BITS) - 1))
      Codes.set(NODES, i, value >> SYMBOL_BITS)
    }
    return used
  }

  /** Puts `count` numbers in the order of their digit that begins at bit `shift`; those with the same one stay in order. */
  private static byDigit(from: usize, to: usize, count: i32, shift: i32): void {
    memory.fill(STARTS, 0, 4 << DIGIT_BITS)
    for (let i = 0; i < count; i++) Codes.more(STARTS, Codes.digit(Codes.node(from, i), shift))
    let start = 0
    for (let digit = 0; digit < 1 << DIGIT_BITS; digit++) {
      const occurs = Codes.node(STARTS, digit)
      Codes.set(STARTS, digit, start)
      start += occurs
    }
    for (let i = 0; i < count; i++) {
      const value = Codes.node(from, i)
      const digit = Codes.digit(value, shift)
      const place = Codes.node(STARTS, digit)
      Codes.set(STARTS, digit, place + 1)
      Codes.set(to, place, value)
    }
  }

  @inline
  private static digit(value: i32, shift: i32): i32 {
    return (value >>> shift) & ((1 << DIGIT_BITS) - 1)
  }

  /**
   * Counts how many codes of each length an unbounded Huffman code has. In place: Moffat and Katajainen, "In-place
   * calculation of minimum-redundancy codes", 1995.
   */
  private static depths(used: i32): void {
    // Up: NODES becomes the weights of inner nodes, and behind those the parents of the ones already joined.
    let leaf = 0
    let root = 0
    for (let next = 0; next < used - 1; next++) {
      let weight = 0
      for (let child = 0; child < 2; child++) {
        if (leaf >= used || (root < next && Codes.node(NODES, root) < Codes.node(NODES, leaf))) {
          weight += Codes.node(NODES, root)
          Codes.set(NODES, root++, next)
        } else weight += Codes.node(NODES, leaf++)
      }
      Codes.set(NODES, next, weight)
    }
    // Down: parents become depths of inner nodes.
    Codes.set(NODES, used - 2, 0)
    for (let next = used - 3; next >= 0; next--)
      Codes.set(NODES, next, Codes.node(NODES, Codes.node(NODES, next)) + 1)
    // At each depth, what is not an inner node is a leaf.
    memory.fill(COUNTS, 0, 4 * (DEEPEST + 1))
    let inner = used - 2
    let leaves = used
    let open = 1
    for (let depth = 0; open > 0 && leaves > 0; depth++) {
      let joined = 0
      for (; inner >= 0 && Codes.node(NODES, inner) === depth; inner--) joined++
      const here = open - joined
      Codes.set(COUNTS, min(depth, DEEPEST), Codes.node(COUNTS, min(depth, DEEPEST)) + here)
      leaves -= here
      open = 2 * joined
    }
  }

  /** Shortens the codes beyond `most` bits, and lengthens others until all fit again (Kraft's inequality). */
  private static bound(most: i32): void {
    let over = Codes.node(COUNTS, most)
    for (let length = most + 1; length <= DEEPEST; length++) over += Codes.node(COUNTS, length)
    Codes.set(COUNTS, most, over)
    let taken = 0
    for (let length = 1; length <= most; length++) taken += Codes.node(COUNTS, length) << (most - length)
    for (; taken !== 1 << most; taken--) {
      Codes.set(COUNTS, most, Codes.node(COUNTS, most) - 1)
      let length = most - 1
      while (Codes.node(COUNTS, length) === 0) length--
      Codes.set(COUNTS, length, Codes.node(COUNTS, length) - 1)
      Codes.set(COUNTS, length + 1, Codes.node(COUNTS, length + 1) + 2)
    }
  }
}
