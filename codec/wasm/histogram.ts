import { Matches } from './matches.ts'
import { Repeats } from './repeats.ts'
import { DISTANCE_SYMBOLS, END_OF_BLOCK, FIRST_LENGTH, LITERAL_SYMBOLS, Symbols } from './symbols.ts'
import { SEGMENT_BYTES } from './window.ts'

const LENGTH_SYMBOLS = LITERAL_SYMBOLS - FIRST_LENGTH
/** Four tables, so that the same byte four times running does not wait for itself; u32. */
const FIRST: usize = memory.data(4 * 256, 16)
const SECOND: usize = memory.data(4 * 256, 16)
const THIRD: usize = memory.data(4 * 256, 16)
const FOURTH: usize = memory.data(4 * 256, 16)
/** The literals of a segment without the matches between them; copies overrun by a vector. */
const GATHERED: usize = memory.data(SEGMENT_BYTES + 1024, 16)

/** How often each symbol of the segment occurs, i32. */
export const LITERAL_COUNTS: usize = memory.data(4 * 288, 16)
export const DISTANCE_COUNTS: usize = memory.data(4 * 32, 16)

/** Counts the symbols of a segment. */
export class Histogram {
  /** Extra bits of all lengths and distances. */
  static extraBits: i64 = 0

  /** Counts the matches, and the literals between them, of the exchanged bytes from `from` to `end`. */
  static count(from: usize, end: usize): void {
    memory.fill(FIRST, 0, 4 * 256)
    memory.fill(SECOND, 0, 4 * 256)
    memory.fill(THIRD, 0, 4 * 256)
    memory.fill(FOURTH, 0, 4 * 256)
    memory.fill(LITERAL_COUNTS, 0, 4 * 288)
    memory.fill(DISTANCE_COUNTS, 0, 4 * 32)
    const last = Matches.end
    let to = GATHERED
    let at = from
    for (let match = Matches.first(); match < last; match += 8) {
      const start = Repeats.start(match)
      to = Histogram.gather(to, at, start)
      const word = Repeats.word(match)
      const length = Repeats.length(word)
      Histogram.one(LITERAL_COUNTS + 4 * FIRST_LENGTH, Symbols.ofLength(length) << 2)
      Histogram.one(DISTANCE_COUNTS, Repeats.symbol(Repeats.reference(word)) << 2)
      at = start + <usize>length
    }
    Histogram.literals(GATHERED, Histogram.gather(to, at, end))
    for (let byte: usize = 0; byte < 4 * 256; byte += 4) {
      const count =
        load<u32>(byte, FIRST) + load<u32>(byte, SECOND) + load<u32>(byte, THIRD) + load<u32>(byte, FOURTH)
      store<u32>(byte, count, LITERAL_COUNTS)
    }
    store<u32>(LITERAL_COUNTS, 1, 4 * END_OF_BLOCK)
    let bits: i64 = 0
    for (let symbol = 0; symbol < LENGTH_SYMBOLS; symbol++)
      bits += <i64>Symbols.lengthExtra(symbol) * Histogram.of(LITERAL_COUNTS + 4 * FIRST_LENGTH, symbol)
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++)
      bits += <i64>Symbols.distanceExtra(symbol) * Histogram.of(DISTANCE_COUNTS, symbol)
    Histogram.extraBits = bits
  }

  @inline
  static of(counts: usize, symbol: i32): i64 {
    return <i64>load<i32>(counts + ((<usize>symbol) << 2))
  }

  /** One more of the symbol whose counter stands at `at` in a table. */
  @inline
  private static one(table: usize, at: usize): void {
    store<u32>(table + at, load<u32>(table + at) + 1)
  }

  /** Copies the bytes from `from` to `end` to `to`, and gives the address behind the copy. */
  @inline
  private static gather(to: usize, from: usize, end: usize): usize {
    v128.store(to, v128.load(from))
    for (let done: usize = 16; done < end - from; done += 16) v128.store(to + done, v128.load(from + done))
    return to + (end - from)
  }

  /** Counts the bytes from `from` to `end`. */
  private static literals(from: usize, end: usize): void {
    let at = from
    for (; at + 8 <= end; at += 8) {
      const low = load<u32>(at)
      const high = load<u32>(at, 4)
      Histogram.one(FIRST, (low << 2) & 0x3fc)
      Histogram.one(SECOND, (low >> 6) & 0x3fc)
      Histogram.one(THIRD, (low >> 14) & 0x3fc)
      Histogram.one(FOURTH, (low >> 22) & 0x3fc)
      Histogram.one(FIRST, (high << 2) & 0x3fc)
      Histogram.one(SECOND, (high >> 6) & 0x3fc)
      Histogram.one(THIRD, (high >> 14) & 0x3fc)
      Histogram.one(FOURTH, (high >> 22) & 0x3fc)
    }
    for (; at < end; at++) Histogram.one(FIRST, (<usize>load<u8>(at)) << 2)
  }
}
