import { Reader } from './reader.ts'
import {
  BAD_CODE_LENGTHS,
  BAD_DISTANCE_LENGTHS,
  BAD_LITERAL_LENGTHS,
  BAD_REPEAT,
  CUT_SHORT,
  NO_END_OF_BLOCK,
  TOO_MANY_SYMBOLS,
} from './refusals.ts'
import { DISTANCE_SYMBOLS, END_OF_BLOCK, LITERAL_SYMBOLS } from './symbols.ts'
import { LENGTH_BITS, LENGTH_TABLE, Tables } from './tables.ts'

/** In which order the lengths of the code length code come, u8 (RFC 1951 section 3.2.7). */
export const LENGTH_ORDER: usize = memory.data<u8>([
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
])

/** Code lengths while they are read, u8: the repeats may reach beyond what is asked for. */
const LENGTHS: usize = memory.data(512, 16)

/** Fills the tables with the codes of a block that is read (RFC 1951). */
export class Codebook {
  /** Those of section 3.2.6. */
  static fixed(): void {
    Codebook.fixedLengths(LENGTHS)
    Tables.literals(LENGTHS, 288)
    memory.fill(LENGTHS, 5, 32)
    Tables.distances(LENGTHS, 32)
  }

  /** The 288 lengths of the fixed code of literals and lengths, u8. */
  static fixedLengths(to: usize): void {
    memory.fill(to, 8, 144)
    memory.fill(to + 144, 9, 112)
    memory.fill(to + 256, 7, 24)
    memory.fill(to + 280, 8, 8)
  }

  /** Those that stand in a block's head, section 3.2.7. Gives 0, or a refusal. */
  static dynamic(): i32 {
    Reader.refill()
    const literals = Reader.take(5) + 257
    const distances = Reader.take(5) + 1
    const lengths = Reader.take(4) + 4
    if (literals > LITERAL_SYMBOLS || distances > DISTANCE_SYMBOLS) return TOO_MANY_SYMBOLS
    memory.fill(LENGTHS, 0, 19)
    for (let i = 0; i < lengths; i++) {
      Reader.refill()
      store<u8>(load<u8>(LENGTH_ORDER + <usize>i), Reader.take(3), LENGTHS)
    }
    if (!Tables.lengths(LENGTHS)) return BAD_CODE_LENGTHS

    const count = literals + distances
    memory.fill(LENGTHS, 0, 512)
    for (let i = 0; i < count; ) {
      Reader.refill()
      const entry = load<i32>((<usize>(Reader.bits & ((1 << LENGTH_BITS) - 1))) << 2, LENGTH_TABLE)
      const symbol = entry >> 8
      Reader.drop(entry & 15)
      if (symbol < 16) {
        store<u8>(<usize>i, symbol, LENGTHS)
        i++
        continue
      }
      if (symbol === 16 && i === 0) return BAD_REPEAT
      const repeated: u8 = symbol === 16 ? load<u8>(<usize>i - 1, LENGTHS) : 0
      const times =
        symbol === 16 ? 3 + Reader.take(2) : symbol === 17 ? 3 + Reader.take(3) : 11 + Reader.take(7)
      if (i + times > count) return BAD_REPEAT
      memory.fill(LENGTHS + <usize>i, repeated, times)
      i += times
    }
    if (Reader.left() < 0) return CUT_SHORT
    if (load<u8>(<usize>END_OF_BLOCK, LENGTHS) === 0) return NO_END_OF_BLOCK
    if (!Tables.literals(LENGTHS, literals)) return BAD_LITERAL_LENGTHS
    if (!Tables.distances(LENGTHS + <usize>literals, distances)) return BAD_DISTANCE_LENGTHS
    return 0
  }
}
