import { Codes } from './codes.ts'
import { DISTANCE_SYMBOLS, FIRST_LENGTH, MAX_MATCH, MIN_MATCH, Symbols } from './symbols.ts'

/** What a symbol is taken to cost that the last block had no code for, in bits. */
const UNSEEN_LITERAL: u8 = 13
const UNSEEN_LENGTH = 11
const UNSEEN_DISTANCE = 10
const PRICED_BYTES = 7
const NEVER: i8 = 127
const ALWAYS: i8 = -64

/** Bits of each literal, length and symbol of distances, extra bits included, u8. */
const LITERALS: usize = memory.data(256, 16)
const LENGTHS: usize = memory.data(MAX_MATCH + 1, 16)
const DISTANCES: usize = memory.data(DISTANCE_SYMBOLS, 16)

/** What literals and matches cost, in bits, as far as can be told before a block has its code: what they cost in the one before. */
export class Prices {
  /** Takes the lengths of the last codes. */
  static begin(): void {
    memory.fill(LENGTHS, <u8>ALWAYS, MAX_MATCH + 1)
    Prices.update()
  }

  static update(): void {
    for (let byte = 0; byte < 256; byte++) {
      const bits = Codes.literalBits(byte)
      store<u8>(<usize>byte, bits ? bits : UNSEEN_LITERAL, LITERALS)
    }
    for (let length = 0; length < MIN_MATCH; length++) store<i8>(<usize>length, NEVER, LENGTHS)
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

  /** What a match costs whose distance has this symbol. */
  @inline
  static match(length: i32, symbol: i32): i32 {
    return <i32>load<i8>(<usize>length, LENGTHS) + <i32>load<u8>(<usize>symbol, DISTANCES)
  }

  /** What `count` bytes, 3 to 7, cost as literals. */
  @inline
  static literals(at: usize, count: i32): i32 {
    return (
      Prices.literal(load<u8>(at)) +
      Prices.literal(load<u8>(at, 1)) +
      Prices.literal(load<u8>(at, 2)) +
      select<i32>(Prices.literal(load<u8>(at, 3)), 0, count > 3) +
      select<i32>(Prices.literal(load<u8>(at, 4)), 0, count > 4) +
      select<i32>(Prices.literal(load<u8>(at, 5)), 0, count > 5) +
      select<i32>(Prices.literal(load<u8>(at, 6)), 0, count > 6)
    )
  }

  @inline
  private static literal(byte: u8): i32 {
    return load<u8>(<usize>byte, LITERALS)
  }
}
