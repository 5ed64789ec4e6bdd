import { Matches } from './matches.ts'
import { DISTANCE_SYMBOLS, END_OF_BLOCK, FIRST_LENGTH, LITERAL_SYMBOLS, Symbols } from './symbols.ts'

const LENGTH_SYMBOLS = LITERAL_SYMBOLS - FIRST_LENGTH
/** Four tables, so that the same byte four times running does not wait for itself; u32. */
const FIRST: usize = memory.data(4 * 257, 16)
const SECOND: usize = memory.data(4 * 257, 16)
const THIRD: usize = memory.data(4 * 257, 16)
const FOURTH: usize = memory.data(4 * 257, 16)
/** The place in each for what is not to be counted. */
const NOWHERE: u32 = 4 * 256

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
    let at = from
    for (let match = Matches.first(); match < last; match += 8) {
      Histogram.literals(at, Matches.start(match))
      const form = Matches.form(match)
      const length = Matches.length(form)
      Histogram.more(LITERAL_COUNTS + 4 * FIRST_LENGTH, Symbols.ofLength(length))
      Histogram.more(DISTANCE_COUNTS, Matches.distanceSymbol(form))
      at = Matches.start(match) + <usize>length
    }
    Histogram.literals(at, end)
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

  @inline
  private static more(counts: usize, symbol: i32): void {
    Histogram.one(counts + ((<usize>symbol) << 2))
  }

  @inline
  private static one(counter: usize): void {
    store<u32>(counter, load<u32>(counter) + 1)
  }

  @inline
  private static literals(from: usize, end: usize): void {
    let at = from
    for (; at + 4 <= end; at += 4) {
      const bytes = load<u32>(at)
      const a = (bytes << 2) & 0x3fc
      const b = (bytes >> 6) & 0x3fc
      const c = (bytes >> 14) & 0x3fc
      const d = (bytes >> 22) & 0x3fc
      store<u32>(a, load<u32>(a, FIRST) + 1, FIRST)
      store<u32>(b, load<u32>(b, SECOND) + 1, SECOND)
      store<u32>(c, load<u32>(c, THIRD) + 1, THIRD)
      store<u32>(d, load<u32>(d, FOURTH) + 1, FOURTH)
    }
    // The last three without a branch that nobody could foretell.
    const left = <i32>(end - at)
    const bytes = load<u32>(at)
    const a = select<u32>((bytes << 2) & 0x3fc, NOWHERE, left > 0)
    const b = select<u32>((bytes >> 6) & 0x3fc, NOWHERE, left > 1)
    const c = select<u32>((bytes >> 14) & 0x3fc, NOWHERE, left > 2)
    store<u32>(a, load<u32>(a, FIRST) + 1, FIRST)
    store<u32>(b, load<u32>(b, SECOND) + 1, SECOND)
    store<u32>(c, load<u32>(c, THIRD) + 1, THIRD)
  }
}
