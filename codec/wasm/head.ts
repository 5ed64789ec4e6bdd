import { LENGTH_ORDER } from './codebook.ts'
import {
  Codes,
  DISTANCE_LENGTHS,
  LENGTH_CODE_BITS,
  LENGTH_CODES,
  LENGTH_LENGTHS,
  LITERAL_LENGTHS,
} from './codes.ts'
import { DISTANCE_SYMBOLS, LITERAL_SYMBOLS } from './symbols.ts'
import { Writer } from './writer.ts'

/** The symbols of repeats: the last length, zero a few times, zero many times. */
const REPEAT = 16
const ZEROS = 17
const MANY_ZEROS = 18

/** All lengths one after the other, u8. */
const LENGTHS: usize = memory.data(LITERAL_SYMBOLS + DISTANCE_SYMBOLS, 16)
/** What they come to: symbol, value of its extra bits, count of its extra bits, u8 each. */
const ITEMS: usize = memory.data(4 * (LITERAL_SYMBOLS + DISTANCE_SYMBOLS), 16)
const COUNTS: usize = memory.data(4 * 32, 16)

/** The head of a dynamic block, RFC 1951 section 3.2.7: the lengths of its codes, in a code of their own. */
export class Head {
  private static literals: i32 = 0
  private static distances: i32 = 0
  private static lengths: i32 = 0
  /** Behind the last item. */
  private static end: usize = ITEMS

  /** Makes the head for the present codes. Gives its bits, without the three that every block begins with. */
  static build(): i32 {
    let literals = LITERAL_SYMBOLS
    while (literals > 257 && load<u8>(<usize>literals - 1, LITERAL_LENGTHS) === 0) literals--
    let distances = DISTANCE_SYMBOLS
    while (distances > 1 && load<u8>(<usize>distances - 1, DISTANCE_LENGTHS) === 0) distances--
    Head.literals = literals
    Head.distances = distances
    memory.copy(LENGTHS, LITERAL_LENGTHS, literals)
    memory.copy(LENGTHS + <usize>literals, DISTANCE_LENGTHS, distances)

    memory.fill(COUNTS, 0, 4 * 32)
    Head.end = ITEMS
    Head.itemize(literals + distances)
    Codes.build(COUNTS, 19, LENGTH_CODE_BITS, LENGTH_LENGTHS, LENGTH_CODES)
    let lengths = 19
    while (lengths > 4 && load<u8>(load<u8>(LENGTH_ORDER + <usize>lengths - 1), LENGTH_LENGTHS) === 0)
      lengths--
    Head.lengths = lengths
    let bits = 5 + 5 + 4 + 3 * lengths
    for (let item = ITEMS; item < Head.end; item += 4)
      bits += <i32>load<u8>(load<u8>(item), LENGTH_LENGTHS) + <i32>load<u8>(item, 2)
    return bits
  }

  static write(): void {
    Writer.put(Head.literals - 257, 5)
    Writer.put(Head.distances - 1, 5)
    Writer.put(Head.lengths - 4, 4)
    for (let i = 0; i < Head.lengths; i++)
      Writer.put(load<u8>(load<u8>(LENGTH_ORDER + <usize>i), LENGTH_LENGTHS), 3)
    for (let item = ITEMS; item < Head.end; item += 4) {
      const code = load<u32>((<usize>load<u8>(item)) << 2, LENGTH_CODES)
      Writer.put(Codes.codeOf(code), Codes.bitsOf(code))
      Writer.put(load<u8>(item, 1), load<u8>(item, 2))
    }
  }

  private static itemize(count: i32): void {
    for (let i = 0; i < count; ) {
      const length = load<u8>(<usize>i, LENGTHS)
      let run = 1
      while (i + run < count && load<u8>(<usize>(i + run), LENGTHS) === length) run++
      i += run
      if (length === 0) {
        for (; run >= 11; run -= min(run, 138)) Head.add(MANY_ZEROS, min(run, 138) - 11, 7)
        if (run >= 3) {
          Head.add(ZEROS, run - 3, 3)
          run = 0
        }
      } else {
        Head.add(length, 0, 0)
        run--
        for (; run >= 3; run -= min(run, 6)) Head.add(REPEAT, min(run, 6) - 3, 2)
      }
      for (; run > 0; run--) Head.add(length, 0, 0)
    }
  }

  private static add(symbol: i32, extra: i32, extraBits: i32): void {
    const item = Head.end
    store<u8>(item, symbol)
    store<u8>(item, extra, 1)
    store<u8>(item, extraBits, 2)
    Head.end = item + 4
    const counter = COUNTS + ((<usize>symbol) << 2)
    store<i32>(counter, load<i32>(counter) + 1)
  }
}
