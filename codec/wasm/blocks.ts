import { Codebook } from './codebook.ts'
import {
  Codes,
  DISTANCE_CODE_BITS,
  DISTANCE_CODES,
  DISTANCE_LENGTHS,
  LITERAL_CODE_BITS,
  LITERAL_CODES,
  LITERAL_LENGTHS,
} from './codes.ts'
import { Head } from './head.ts'
import { DISTANCE_COUNTS, Histogram, LITERAL_COUNTS } from './histogram.ts'
import { DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS } from './symbols.ts'
import { Tokens } from './tokens.ts'
import { Writer } from './writer.ts'

/** Types of blocks, RFC 1951 section 3.2.3. */
const STORED = 0
const FIXED = 1
const DYNAMIC = 2
/** Most bytes of a stored block (section 3.2.4). */
const STORED_BYTES: usize = 0xffff
/** What a stored block costs beside its bytes, at most. */
const STORED_HEAD_BYTES = 10

const LITERAL_TABLE_BYTES = 4 * 288
const DISTANCE_TABLE_BYTES = 4 * 32
/** Lengths and codes of the open block, while new ones are tried. */
const KEPT_LITERAL_LENGTHS: usize = memory.data(288, 16)
const KEPT_DISTANCE_LENGTHS: usize = memory.data(32, 16)
const KEPT_LITERAL_CODES: usize = memory.data(LITERAL_TABLE_BYTES, 16)
const KEPT_DISTANCE_CODES: usize = memory.data(DISTANCE_TABLE_BYTES, 16)
const FIXED_LENGTHS: usize = memory.data(288, 16)

/** No price: a symbol has no code. */
const IMPOSSIBLE: i64 = i64.MAX_VALUE >> 1

/**
 * Writes the segments as blocks. A dynamic block stays open behind its last symbol, since the next segment may go on
 * with its code.
 */
export class Blocks {
  private static isOpen: bool = false
  private static isFinal: bool = false

  static begin(): void {
    Blocks.isOpen = false
    Blocks.isFinal = false
    Codes.guess()
  }

  /** Writes the exchanged bytes from `from` to `end`, with the present matches, in the cheapest way. */
  static write(from: usize, end: usize, isLast: bool): void {
    Histogram.count(from, end)
    const openBits = Blocks.isOpen ? Blocks.bodyBits() : IMPOSSIBLE
    Blocks.keep()
    Blocks.codes()
    const dynamicBits = 3 + <i64>Head.build() + Blocks.bodyBits()
    const fixedBits = 3 + Blocks.fixedBits()
    const storedBits = <i64>(end - from + STORED_HEAD_BYTES) * 8
    const newBits = min(min(dynamicBits, fixedBits), storedBits)
    Blocks.isFinal = isLast

    if (openBits <= newBits) {
      Blocks.restore()
      Tokens.write(from, end)
      // What cannot become the final block any more is followed by one: the end of the open one, and an empty one.
      if (isLast) {
        Blocks.close()
        Writer.put(1 | (FIXED << 1), 3)
        Writer.put(0, 7)
      }
      return
    }
    Blocks.closeKept()
    if (storedBits === newBits) {
      Blocks.stored(from, end)
      return
    }
    if (fixedBits === newBits) {
      Blocks.head(FIXED)
      Blocks.fixedCodes()
    } else {
      Blocks.head(DYNAMIC)
      Head.write()
    }
    Tokens.write(from, end)
    Blocks.isOpen = true
    if (isLast) Blocks.close()
  }

  /** Bits that the exchanged bytes from `from` to `end` take with the present matches in codes made for them, without the head. */
  static price(from: usize, end: usize): i64 {
    Histogram.count(from, end)
    Blocks.keep()
    Blocks.codes()
    const bits = Blocks.bodyBits()
    Blocks.restore()
    return bits
  }

  /** Makes codes for what is counted. */
  private static codes(): void {
    Codes.build(LITERAL_COUNTS, LITERAL_SYMBOLS, LITERAL_CODE_BITS, LITERAL_LENGTHS, LITERAL_CODES)
    Codes.build(DISTANCE_COUNTS, DISTANCE_SYMBOLS, DISTANCE_CODE_BITS, DISTANCE_LENGTHS, DISTANCE_CODES)
  }

  private static head(type: i32): void {
    Writer.put((Blocks.isFinal ? 1 : 0) | (type << 1), 3)
  }

  /** Ends the open block. */
  private static close(): void {
    const code = load<u32>(LITERAL_CODES, 4 * END_OF_BLOCK)
    Writer.put(Codes.codeOf(code), Codes.bitsOf(code))
    Blocks.isOpen = false
  }

  /** Ends the open block whose codes have been replaced. */
  private static closeKept(): void {
    if (!Blocks.isOpen) return
    const code = load<u32>(KEPT_LITERAL_CODES, 4 * END_OF_BLOCK)
    Writer.put(Codes.codeOf(code), Codes.bitsOf(code))
    Blocks.isOpen = false
  }

  private static stored(from: usize, end: usize): void {
    const isFinal = Blocks.isFinal
    let at = from
    do {
      const count = min(STORED_BYTES, end - at)
      Blocks.isFinal = isFinal && at + count === end
      Blocks.head(STORED)
      Writer.align()
      Writer.put(<u64>count | ((<u64>(~count & 0xffff)) << 16), 32)
      memory.copy(Writer.next, at, count)
      Writer.next += count
      at += count
    } while (at < end)
  }

  /** What the counted symbols cost in the present codes, the end of the block and extra bits included. */
  private static bodyBits(): i64 {
    let bits = Histogram.extraBits
    for (let symbol = 0; symbol < LITERAL_SYMBOLS; symbol++) {
      const count = Histogram.of(LITERAL_COUNTS, symbol)
      const length = Codes.literalBits(symbol)
      if (count !== 0 && length === 0) return IMPOSSIBLE
      bits += count * length
    }
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const count = Histogram.of(DISTANCE_COUNTS, symbol)
      const length = Codes.distanceBits(symbol)
      if (count !== 0 && length === 0) return IMPOSSIBLE
      bits += count * length
    }
    return bits
  }

  private static fixedBits(): i64 {
    let bits = Histogram.extraBits
    for (let symbol = 0; symbol < LITERAL_SYMBOLS; symbol++)
      bits += Histogram.of(LITERAL_COUNTS, symbol) * load<u8>(<usize>symbol, FIXED_LENGTHS)
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++)
      bits += Histogram.of(DISTANCE_COUNTS, symbol) * 5
    return bits
  }

  private static fixedCodes(): void {
    memory.copy(LITERAL_LENGTHS, FIXED_LENGTHS, 288)
    memory.fill(DISTANCE_LENGTHS, 5, 30)
    Codes.number(LITERAL_LENGTHS, 288, LITERAL_CODES)
    Codes.number(DISTANCE_LENGTHS, DISTANCE_SYMBOLS, DISTANCE_CODES)
  }

  private static keep(): void {
    memory.copy(KEPT_LITERAL_LENGTHS, LITERAL_LENGTHS, 288)
    memory.copy(KEPT_DISTANCE_LENGTHS, DISTANCE_LENGTHS, 32)
    memory.copy(KEPT_LITERAL_CODES, LITERAL_CODES, LITERAL_TABLE_BYTES)
    memory.copy(KEPT_DISTANCE_CODES, DISTANCE_CODES, DISTANCE_TABLE_BYTES)
  }

  private static restore(): void {
    memory.copy(LITERAL_LENGTHS, KEPT_LITERAL_LENGTHS, 288)
    memory.copy(DISTANCE_LENGTHS, KEPT_DISTANCE_LENGTHS, 32)
    memory.copy(LITERAL_CODES, KEPT_LITERAL_CODES, LITERAL_TABLE_BYTES)
    memory.copy(DISTANCE_CODES, KEPT_DISTANCE_CODES, DISTANCE_TABLE_BYTES)
  }

  /** Fills the table of the fixed code's lengths. */
  static build(): void {
    Codebook.fixedLengths(FIXED_LENGTHS)
  }
}
