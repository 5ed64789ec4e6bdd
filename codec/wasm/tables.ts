import { Repeats } from './repeats.ts'
import { DISTANCE_SYMBOLS, END_OF_BLOCK, FIRST_LENGTH, LITERAL_SYMBOLS, Symbols } from './symbols.ts'

/** Longest code, in bits (RFC 1951 section 3.2.7). */
export const MAX_CODE_BITS: i32 = 15

/** Bits that the first look into each table takes. */
export const LITERAL_BITS: i32 = 11
export const DISTANCE_BITS: i32 = 9
export const LENGTH_BITS: i32 = 7

/** Bits that a second look takes, behind the first. */
export const LITERAL_REST: i32 = MAX_CODE_BITS - LITERAL_BITS
export const DISTANCE_REST: i32 = MAX_CODE_BITS - DISTANCE_BITS

/**
 * An entry of the table of literals and lengths, 32 bits. Bits 0 to 5: how many bits it takes, extra bits included, so
 * that whole entries can be shifted by. Bits 30 and 31: how many literals it stands for, none, one or two, which then
 * stand in bits 8 to 23. A length has its base in bits 8 to 16, in 17 to 21 a mask as wide as its extra bits, in 22 to 25
 * the bits of its code alone. Anything else has one of the marks.
 */
export const ONE_LITERAL: u32 = 1 << 30
const TWO_LITERALS: u32 = 1 << 31
const LITERALS_SHIFT = 30
export const MARK_MASK: u32 = 7 << 26
export const END_MARK: u32 = 1 << 26
/** Bits 8 to 23: where in the table the second look begins. */
export const LINK_MARK: u32 = 1 << 27
/** No code leads here; or one of the symbols 286 and 287, which have codes in fixed blocks and must not appear (section 3.2.6). */
const NO_SYMBOL_MARK: u32 = 1 << 28
const BASE_SHIFT = 8
const BASE_MASK = 511
const EXTRA_SHIFT = 17
const EXTRA_MASK = 31
const CODE_SHIFT = 22

/**
 * An entry of the table of distances, 32 bits; 0 where no code leads. Bits 0 to 5: how many bits it takes, extra bits
 * included; bits 6 to 9: the bits of its code alone; bits 10 to 29: a reference (`repeats.ts`) to the nearest distance.
 * Or, with this mark, in bits 10 to 24 where the second look begins.
 */
export const DISTANCE_LINK: u32 = 1 << 31

/** Addresses of the tables. A table has room for all its second looks, one for each longer code at most. */
export const LITERAL_TABLE: usize = memory.data(
  4 * ((1 << LITERAL_BITS) + (LITERAL_SYMBOLS + 2) * (1 << LITERAL_REST)),
  64,
)
export const DISTANCE_TABLE: usize = memory.data(4 * ((1 << DISTANCE_BITS) + 32 * (1 << DISTANCE_REST)), 64)
export const LENGTH_TABLE: usize = memory.data(4 << LENGTH_BITS, 64)

/** Codes' bits in reverse, u16 by code of 15 bits. */
const REVERSED: usize = memory.data(2 << MAX_CODE_BITS, 16)
/** How many codes have each length, and the next code of each, i32. */
const COUNTS: usize = memory.data(4 * 16)
const NEXT: usize = memory.data(4 * 16)
/** Whether a second look has been laid out behind an entry of the table of literals, u8. */
const HAS_LINK: usize = memory.data(1 << LITERAL_BITS)

/** Which table is built: they differ in their entries, and in which codes may be incomplete. */
const LITERAL_KIND = 0
const DISTANCE_KIND = 1
const LENGTH_KIND = 2

/** Tables that decode Huffman codes, made from the lengths of the codes (RFC 1951 section 3.2.2). */
export class Tables {
  static build(): void {
    for (let code = 0; code < 1 << MAX_CODE_BITS; code++) {
      let reversed = 0
      for (let bit = 0; bit < MAX_CODE_BITS; bit++)
        reversed |= ((code >> bit) & 1) << (MAX_CODE_BITS - 1 - bit)
      store<u16>((<usize>code) << 1, reversed, REVERSED)
    }
  }

  /** A code of `bits` bits as it stands in the stream: its most significant bit first (section 3.1.1). */
  @inline
  static reversed(code: i32, bits: i32): i32 {
    return <i32>load<u16>((<usize>code) << 1, REVERSED) >> (MAX_CODE_BITS - bits)
  }

  /** Literals and lengths, from `count` lengths, u8 each. False when they make no code. */
  static literals(lengths: usize, count: i32): bool {
    return Tables.fill(LITERAL_TABLE, lengths, count, LITERAL_BITS, LITERAL_KIND)
  }

  static distances(lengths: usize, count: i32): bool {
    return Tables.fill(DISTANCE_TABLE, lengths, count, DISTANCE_BITS, DISTANCE_KIND)
  }

  /** The code of code lengths (section 3.2.7). */
  static lengths(lengths: usize): bool {
    return Tables.fill(LENGTH_TABLE, lengths, 19, LENGTH_BITS, LENGTH_KIND)
  }

  /** How many literals an entry stands for. */
  @inline
  static literalsOf(entry: u32): usize {
    return entry >> LITERALS_SHIFT
  }

  /** Of a length, the bits of its code alone. */
  @inline
  static codeBits(entry: u32): u32 {
    return entry >> CODE_SHIFT
  }

  @inline
  static extraMask(entry: u32): u32 {
    return (entry >> EXTRA_SHIFT) & EXTRA_MASK
  }

  @inline
  static lengthBase(entry: u32): i32 {
    return (entry >> BASE_SHIFT) & BASE_MASK
  }

  /** Where the second look begins in the table of literals and lengths. */
  @inline
  static link(entry: u32): i32 {
    return (entry >> 8) & 0xffff
  }

  /** Where it begins in the table of distances. */
  @inline
  static farLink(entry: u32): i32 {
    return (entry >> 10) & 0x7fff
  }

  private static fill(table: usize, lengths: usize, count: i32, bits: i32, kind: i32): bool {
    const left = Tables.number(lengths, count)
    if (left < 0) return false
    const used = count - load<i32>(COUNTS)
    if (used === 0) {
      Tables.clear(table, 1 << bits, kind)
      return kind === DISTANCE_KIND
    }
    // Incomplete is only a lone code of one bit, and not that for code lengths: what zlib accepts.
    if (left > 0 && (kind === LENGTH_KIND || used > 1 || load<i32>(COUNTS, 4) !== 1)) return false

    const size = 1 << bits
    let free = size
    if (left > 0 || kind === DISTANCE_KIND) Tables.clear(table, 1 << bits, kind)
    if (kind === LITERAL_KIND) memory.fill(HAS_LINK, 0, size)
    for (let symbol = 0; symbol < count; symbol++) {
      const length = <i32>load<u8>(lengths + <usize>symbol)
      if (length === 0) continue
      const next = NEXT + ((<usize>length) << 2)
      const code = load<i32>(next)
      store<i32>(next, code + 1)
      const path = Tables.reversed(code, length)
      if (length <= bits) {
        const entry = Tables.entry(kind, symbol, length)
        for (let at = path; at < size; at += 1 << length) store<u32>(table + ((<usize>at) << 2), entry)
        continue
      }
      const first = path & (size - 1)
      const link = table + ((<usize>first) << 2)
      const isLinked =
        kind === DISTANCE_KIND
          ? (load<u32>(link) & DISTANCE_LINK) !== 0
          : load<u8>(<usize>first, HAS_LINK) !== 0
      const rest = 1 << (MAX_CODE_BITS - bits)
      if (!isLinked) {
        store<u32>(
          link,
          kind === DISTANCE_KIND ? DISTANCE_LINK | (free << 10) | bits : LINK_MARK | (free << 8) | bits,
        )
        if (kind === LITERAL_KIND) store<u8>(<usize>first, 1, HAS_LINK)
        Tables.clear(table + ((<usize>free) << 2), rest, kind)
        free += rest
      }
      const linked = load<u32>(link)
      const second =
        table + ((<usize>(kind === DISTANCE_KIND ? Tables.farLink(linked) : Tables.link(linked))) << 2)
      const entry = Tables.entry(kind, symbol, length - bits)
      for (let at = path >> bits; at < rest; at += 1 << (length - bits))
        store<u32>(second + ((<usize>at) << 2), entry)
    }
    return true
  }

  /** Fills it with what stands where no code leads. */
  private static clear(table: usize, count: i32, kind: i32): void {
    const none: u32 = kind === LITERAL_KIND ? NO_SYMBOL_MARK : 0
    for (let at = table; at < table + ((<usize>count) << 2); at += 4) store<u32>(at, none)
  }

  /** Counts the lengths and finds the first code of each. Gives how many codes of 15 bits are left; negative when too many are taken. */
  private static number(lengths: usize, count: i32): i32 {
    memory.fill(COUNTS, 0, 4 * 16)
    for (let symbol = 0; symbol < count; symbol++) {
      const counter = COUNTS + ((<usize>load<u8>(lengths + <usize>symbol)) << 2)
      store<i32>(counter, load<i32>(counter) + 1)
    }
    let left = 1
    let code = 0
    for (let length = 1; length <= MAX_CODE_BITS; length++) {
      const ofLength = load<i32>((<usize>length) << 2, COUNTS)
      left = (left << 1) - ofLength
      if (left < 0) return left
      store<i32>((<usize>length) << 2, code, NEXT)
      code = (code + ofLength) << 1
    }
    return left
  }

  private static entry(kind: i32, symbol: i32, bits: i32): u32 {
    if (kind === LENGTH_KIND) return (symbol << 8) | bits
    if (kind === DISTANCE_KIND) {
      if (symbol >= DISTANCE_SYMBOLS) return 0
      const reference = Repeats.referenceOf(Symbols.distanceBase(symbol) - 1, symbol)
      return (reference << 10) | (bits << 6) | (bits + Symbols.distanceExtra(symbol))
    }
    if (symbol < END_OF_BLOCK) return (symbol << 8) | ONE_LITERAL | bits
    if (symbol === END_OF_BLOCK) return END_MARK | bits
    if (symbol >= LITERAL_SYMBOLS) return NO_SYMBOL_MARK | bits
    const length = symbol - FIRST_LENGTH
    const extra = Symbols.lengthExtra(length)
    const mask = (1 << extra) - 1
    const base = Symbols.lengthBase(length)
    return (bits << CODE_SHIFT) | (mask << EXTRA_SHIFT) | (base << BASE_SHIFT) | (bits + extra)
  }

  /** Where two literals fit into one look, makes one entry of them. From the end, so that the second is still alone. */
  static pairLiterals(): void {
    for (let at = (1 << LITERAL_BITS) - 1; at >= 0; at--) {
      const address = LITERAL_TABLE + ((<usize>at) << 2)
      const first = load<u32>(address)
      const bits = first & 63
      const second = load<u32>((<usize>(<u32>at >> bits)) << 2, LITERAL_TABLE)
      const both = bits + (second & 63)
      const pair = ((second & 0xff00) << 8) | (first & 0xff00) | TWO_LITERALS | both
      const fits =
        <i32>(Tables.literalsOf(first) === 1) &
        <i32>(Tables.literalsOf(second) === 1) &
        <i32>(both <= <u32>LITERAL_BITS)
      store<u32>(address, select<u32>(pair, first, fits !== 0))
    }
  }
}
