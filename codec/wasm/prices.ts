import { Codes } from './codes.ts'
import { DISTANCE_SLOTS, DISTANCE_SYMBOLS, FIRST_LENGTH, MAX_MATCH, MIN_MATCH, Symbols } from './symbols.ts'

/** What a symbol is taken to cost that the last block had no code for, in bits. */
const UNSEEN_LITERAL: u8 = 13
const UNSEEN_LENGTH = 11
const UNSEEN_DISTANCE = 10

/** Bits of each literal, length and slot of distances, extra bits included, u8. */
const LITERALS: usize = memory.data(256, 16)
const LENGTHS: usize = memory.data(MAX_MATCH + 1, 16)
const SLOTS: usize = memory.data(DISTANCE_SLOTS, 16)

/** What literals and matches cost, in bits, as far as can be told before a block has its code: what they cost in the one before. */
export class Prices {
  /** Takes the lengths of the last codes. */
  static update(): void {
    for (let byte = 0; byte < 256; byte++) {
      const bits = Codes.literalBits(byte)
      store<u8>(<usize>byte, bits ? bits : UNSEEN_LITERAL, LITERALS)
    }
    for (let length = MIN_MATCH; length <= MAX_MATCH; length++) {
      const symbol = Symbols.ofLength(length)
      const bits = Codes.literalBits(FIRST_LENGTH + symbol)
      store<u8>(<usize>length, <i32>(bits ? bits : UNSEEN_LENGTH) + Symbols.lengthExtra(symbol), LENGTHS)
    }
    let slot: usize = 0
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const bits = Codes.distanceBits(symbol)
      const price = <i32>(bits ? bits : UNSEEN_DISTANCE) + Symbols.distanceExtra(symbol)
      const end = Symbols.slotOf(Symbols.distanceBase(symbol) - 1 + (1 << Symbols.distanceExtra(symbol)))
      memory.fill(
        SLOTS + slot,
        <u8>price,
        (symbol === DISTANCE_SYMBOLS - 1 ? <usize>DISTANCE_SLOTS : end) - slot,
      )
      slot = end
    }
  }

  @inline
  static literal(byte: u64): i32 {
    return load<u8>(<usize>byte, LITERALS)
  }

  @inline
  static match(length: i32, slot: usize): i32 {
    return <i32>load<u8>(<usize>length, LENGTHS) + <i32>load<u8>(slot, SLOTS)
  }

  /** What `count` bytes, at most 7, cost as literals; the first of them is the lowest byte of `bytes`. */
  @inline
  static literals(bytes: u64, count: i32): i32 {
    return (
      Prices.literal(bytes & 0xff) +
      Prices.literal((bytes >> 8) & 0xff) +
      Prices.literal((bytes >> 16) & 0xff) +
      select<i32>(Prices.literal((bytes >> 24) & 0xff), 0, count > 3) +
      select<i32>(Prices.literal((bytes >> 32) & 0xff), 0, count > 4) +
      select<i32>(Prices.literal((bytes >> 40) & 0xff), 0, count > 5) +
      select<i32>(Prices.literal((bytes >> 48) & 0xff), 0, count > 6)
    )
  }
}
