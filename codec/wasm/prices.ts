import { Codes } from './codes.ts'
import { Repeats } from './repeats.ts'
import { DISTANCE_SYMBOLS, FIRST_LENGTH, MAX_MATCH, MIN_MATCH, Symbols } from './symbols.ts'

/** What a symbol is taken to cost that the last block had no code for, in bits. */
const UNSEEN_LITERAL: u8 = 13
const UNSEEN_LENGTH = 11
const UNSEEN_DISTANCE = 10
/** A match of more bytes than this pays whatever it costs, one of fewer than MIN_MATCH never does. */
const PRICED_BYTES = 6
const ALWAYS: i8 = -64
const NEVER: i8 = 127

/** Bits of each literal, length (i8) and symbol of distances, extra bits included, u8. */
const LITERALS: usize = memory.data(256, 16)
const LENGTHS: usize = memory.data(MAX_MATCH + 1, 16)
const DISTANCES: usize = memory.data(DISTANCE_SYMBOLS, 16)

/** What literals and matches cost, in bits, as far as can be told before a block has its code: what they cost in the one before. */
export class Prices {
  /** Takes what the codes of a first block are guessed to be. */
  static begin(): void {
    memory.fill(LENGTHS, <u8>NEVER, MIN_MATCH)
    memory.fill(LENGTHS + MIN_MATCH, <u8>ALWAYS, MAX_MATCH + 1 - MIN_MATCH)
    Prices.update()
  }

  /** Takes the lengths of the last codes. */
  static update(): void {
    for (let byte = 0; byte < 256; byte++) {
      const bits = Codes.literalBits(byte)
      store<u8>(<usize>byte, bits ? bits : UNSEEN_LITERAL, LITERALS)
    }
    for (let length = MIN_MATCH; length <= PRICED_BYTES; length++) {
      const symbol = Symbols.ofLength(length)
      const bits = Codes.literalBits(FIRST_LENGTH + symbol)
      store<u8>(<usize>length, <i32>(bits ? bits : UNSEEN_LENGTH) + Symbols.lengthExtra(symbol), LENGTHS)
    }
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const bits = Codes.distanceBits(symbol)
      const price = <i32>(bits ? bits : UNSEEN_DISTANCE) + Symbols.distanceExtra(symbol)
      store<u8>(<usize>symbol, price, DISTANCES)
    }
  }

  /** Whether the `length` bytes at `at` cost less as a match with this reference (`repeats.ts`) than as literals. */
  @inline
  static pays(at: usize, length: i32, reference: i32): bool {
    const distance = <i32>load<u8>(<usize>Repeats.symbol(reference), DISTANCES)
    return Prices.literals(at, length) > <i32>load<i8>(<usize>length, LENGTHS) + distance
  }

  /** What 3 to 6 bytes cost as literals: there is no branch here, and no loop. */
  @inline
  private static literals(at: usize, count: i32): i32 {
    return (
      Prices.literal(load<u8>(at)) +
      Prices.literal(load<u8>(at, 1)) +
      Prices.literal(load<u8>(at, 2)) +
      select<i32>(Prices.literal(load<u8>(at, 3)), 0, count > 3) +
      select<i32>(Prices.literal(load<u8>(at, 4)), 0, count > 4) +
      select<i32>(Prices.literal(load<u8>(at, 5)), 0, count > 5)
    )
  }

  @inline
  private static literal(byte: u8): i32 {
    return load<u8>(<usize>byte, LITERALS)
  }
}
