import { Repeats } from './repeats.ts'

/**
 * The symbols of lengths and distances, RFC 1951 section 3.2.5. A length symbol is counted from 0 here: 0 is symbol 257
 * of the literal and length alphabet.
 */

/** Symbols of the literal and length alphabet that may stand in a stream: 256 literals, the end of a block, 29 lengths. */
export const LITERAL_SYMBOLS: i32 = 286
/** Symbols of the distance alphabet that may stand in a stream. */
export const DISTANCE_SYMBOLS: i32 = 30
/** The symbol that ends a block. */
export const END_OF_BLOCK: i32 = 256
/** The symbol of the first length. */
export const FIRST_LENGTH: i32 = 257

/** Shortest and longest match, in bytes. */
export const MIN_MATCH: i32 = 3
export const MAX_MATCH: i32 = 258
/** Furthest distance, in bytes. */
export const MAX_DISTANCE: i32 = 32768

const LENGTH_COUNT = 29

const LENGTH_BASE: usize = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
])
const LENGTH_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
])
const DISTANCE_BASE: usize = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
])
const DISTANCE_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
])

/** Symbol of each length, u8 by length. */
const SYMBOL_OF_LENGTH: usize = memory.data(MAX_MATCH + 1)
/** Symbol of each distance, u8 by slot: near distances have a slot each, the others one for 128 (`slotOf`). */
const SYMBOL_OF_SLOT: usize = memory.data(512)

export class Symbols {
  /** Fills the tables that lead back from lengths and distances to their symbols. */
  static build(): void {
    for (let symbol = 0; symbol < LENGTH_COUNT; symbol++) {
      const base = Symbols.lengthBase(symbol)
      const count = min(1 << Symbols.lengthExtra(symbol), MAX_MATCH + 1 - base)
      memory.fill(SYMBOL_OF_LENGTH + <usize>base, <u8>symbol, count)
    }
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const base = Symbols.distanceBase(symbol)
      for (let less = base - 1; less < base - 1 + (1 << Symbols.distanceExtra(symbol)); less++) {
        store<u8>(Symbols.slotOf(less), symbol, SYMBOL_OF_SLOT)
      }
    }
  }

  /** Shortest length of a symbol, in bytes. */
  @inline
  static lengthBase(symbol: i32): i32 {
    return load<u16>((<usize>symbol) << 1, LENGTH_BASE)
  }

  /** Extra bits behind a length symbol. */
  @inline
  static lengthExtra(symbol: i32): i32 {
    return load<u8>(<usize>symbol, LENGTH_EXTRA)
  }

  /** Nearest distance of a symbol, in bytes. */
  @inline
  static distanceBase(symbol: i32): i32 {
    return load<u16>((<usize>symbol) << 1, DISTANCE_BASE)
  }

  /** Extra bits behind a distance symbol. */
  @inline
  static distanceExtra(symbol: i32): i32 {
    return load<u8>(<usize>symbol, DISTANCE_EXTRA)
  }

  @inline
  static ofLength(length: i32): i32 {
    return load<u8>(<usize>length, SYMBOL_OF_LENGTH)
  }

  /** What refers back by so many bytes. */
  @inline
  static reference(distance: i32): i32 {
    const less = distance - 1
    return Repeats.referenceOf(less, load<u8>(Symbols.slotOf(less), SYMBOL_OF_SLOT))
  }

  /** The slot of a distance, given as distance - 1: from 256 on, 128 distances share one and have one symbol. */
  @inline
  private static slotOf(less: i32): usize {
    return less < 256 ? <usize>less : 256 + (<usize>less >> 7)
  }
}
