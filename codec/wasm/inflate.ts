import { Codebook } from './codebook.ts'
import { Hints } from './hints.ts'
import { Reader } from './reader.ts'
import {
  BAD_BLOCK_TYPE,
  BAD_DISTANCE_CODE,
  BAD_HEADER,
  BAD_LITERAL_CODE,
  BAD_METHOD,
  BAD_STORED_LENGTH,
  BAD_WINDOW,
  CUT_SHORT,
  PRESET_DICTIONARY,
  TOO_FAR_BACK,
} from './refusals.ts'
import { Repeats } from './repeats.ts'
import {
  DISTANCE_BITS,
  DISTANCE_REST,
  DISTANCE_TABLE,
  END_MARK,
  LINK_MARK,
  LITERAL_BITS,
  LITERAL_REST,
  LITERAL_TABLE,
  MARK_MASK,
  ONE_LITERAL,
  Tables,
} from './tables.ts'
import { SEGMENT_BYTES, Window } from './window.ts'

/** What inflating came to, beside the refusals. */
export const WANTS_INPUT: i32 = 0
export const SEGMENT_READY: i32 = 1
export const STREAM_ENDED: i32 = 2
/** Within this file: a part is over, and the next may begin. */
const GOES_ON = 3

/** More than the head of any block takes, in bytes: 320 code lengths of at most 14 bits, and what stands before them. */
const BLOCK_HEAD_BYTES = 640

/** What stands behind the last block (RFC 1950 section 2.2). */
export const ADLER_BYTES: i32 = 4

/** Where blocks have fewer bytes of rows, to make pairs of literals costs more than it saves. */
const WORTH_PAIRING: i64 = 2048

/** Where in the stream it stands. */
const AT_HEADER = 0
const AT_BLOCK = 1
const IN_STORED = 2
const IN_SYMBOLS = 3

/** By distance below 16: which byte of the repeated ones stands at each place of a vector, and how many whole repeats take, u8. */
const SPREAD: usize = memory.data(16 * 16, 16)
const SPREAD_BYTES: usize = memory.data(16)

/** Inflates a zlib stream into the window of given rows, a segment at a time, and keeps its matches as hints. */
export class Inflate {
  private static at: i32 = AT_HEADER
  private static isLast: bool = false
  /** Bytes of a stored block still to come. */
  private static storedBytes: i32 = 0
  /** Bytes of all rows before the present block. */
  private static blockBegan: i64 = 0
  /** A segment of at least so many bytes ends with the block that it ends in. */
  static segmentBytes: i32 = 0
  /** What the header says of the effort that the stream was compressed with, 0 to 3 (RFC 1950 section 2.2, FLEVEL). */
  static level: i32 = 0

  /** Fills the tables. */
  static build(): void {
    for (let distance = 1; distance < 16; distance++) {
      for (let lane = 0; lane < 16; lane++)
        store<u8>(<usize>((distance << 4) + lane), lane % distance, SPREAD)
      store<u8>(<usize>distance, 16 - (16 % distance), SPREAD_BYTES)
    }
  }

  static begin(): void {
    Inflate.at = AT_HEADER
    Inflate.isLast = false
    Inflate.storedBytes = 0
    Inflate.blockBegan = -WORTH_PAIRING
    Inflate.segmentBytes = SEGMENT_BYTES
  }

  /** Goes on until the input or the segment is full, or the stream ends. */
  static run(): i32 {
    let came = GOES_ON
    while (came === GOES_ON) came = Inflate.part()
    return came
  }

  /** What comes next: the header of the stream, the head of a block, or what is in it. */
  private static part(): i32 {
    if (Inflate.at === IN_SYMBOLS) return Inflate.symbols()
    if (Inflate.at === IN_STORED) return Inflate.stored()
    if (Inflate.at === AT_HEADER) {
      if (!Reader.isComplete && Reader.left() < 2) return WANTS_INPUT
      return Inflate.header()
    }
    if (Inflate.isLast) return Reader.isComplete || Reader.left() >= ADLER_BYTES ? STREAM_ENDED : WANTS_INPUT
    if (<i32>(Window.inflated - Window.segment) >= Inflate.segmentBytes) return SEGMENT_READY
    if (!Reader.isComplete && Reader.left() < BLOCK_HEAD_BYTES) return WANTS_INPUT
    return Inflate.block()
  }

  /** RFC 1950 section 2.2: CMF and FLG. */
  private static header(): i32 {
    if (Reader.left() < 2) return CUT_SHORT
    Reader.refill()
    const method = Reader.take(4)
    const windowSize = Reader.take(4)
    const flags = Reader.take(8)
    if ((((windowSize << 4) | method) * 256 + flags) % 31 !== 0) return BAD_HEADER
    if (method !== 8) return BAD_METHOD
    if (windowSize > 7) return BAD_WINDOW
    if (flags & 0x20) return PRESET_DICTIONARY
    Inflate.level = flags >> 6
    Inflate.at = AT_BLOCK
    return GOES_ON
  }

  /** The head of a block, RFC 1951 section 3.2.3. */
  private static block(): i32 {
    Reader.refill()
    Inflate.isLast = Reader.take(1) !== 0
    const type = Reader.take(2)
    if (type === 3) return BAD_BLOCK_TYPE
    if (type === 0) return Inflate.storedHead()
    if (type === 1) Codebook.fixed()
    else {
      const refusal = Codebook.dynamic()
      // Behind the end stands what streams before had there: nothing that was read in it is this one's fault.
      if (refusal < 0) return Reader.left() < 0 ? CUT_SHORT : refusal
    }
    const began = Window.total()
    if (began - Inflate.blockBegan >= WORTH_PAIRING) Tables.pairLiterals()
    Inflate.blockBegan = began
    Inflate.at = IN_SYMBOLS
    return Reader.left() < 0 ? CUT_SHORT : GOES_ON
  }

  /** Section 3.2.4. */
  private static storedHead(): i32 {
    Reader.align()
    if (Reader.left() < 4) return CUT_SHORT
    const lengths = load<u32>(Reader.next)
    Reader.next += 4
    if (((lengths ^ (lengths >> 16)) & 0xffff) !== 0xffff) return BAD_STORED_LENGTH
    Inflate.storedBytes = lengths & 0xffff
    Inflate.at = IN_STORED
    return GOES_ON
  }

  private static stored(): i32 {
    const count = min(
      Inflate.storedBytes,
      min(<i32>(Reader.end - Reader.next), <i32>(Window.limit() - Window.inflated)),
    )
    memory.copy(Window.inflated, Reader.next, count)
    Window.inflated += count
    Reader.next += count
    Inflate.storedBytes -= count
    if (Inflate.storedBytes === 0) {
      Inflate.at = AT_BLOCK
      return GOES_ON
    }
    if (Window.inflated >= Window.limit()) return SEGMENT_READY
    return Reader.isComplete ? CUT_SHORT : WANTS_INPUT
  }

  @inline
  private static look(bits: u64): u32 {
    return load<u32>((<usize>(bits & ((1 << LITERAL_BITS) - 1))) << 2, LITERAL_TABLE)
  }

  /** Literals and matches, RFC 1951 section 3.2.3, in locals: this is where the time goes. */
  private static symbols(): i32 {
    const inputLimit = Reader.isComplete ? Reader.end + 8 : Reader.end - 16
    const limit = Window.limit()
    const oldest = Window.oldest()
    let next = Reader.next
    let bits = Reader.bits
    // Of this only the low six bits are used, so that whole entries may be taken from it.
    let count = <u64>Reader.count
    let to = Window.inflated
    let hint = Hints.end
    let came = 0
    for (;;) {
      if (next >= inputLimit) {
        came = Reader.isComplete ? CUT_SHORT : WANTS_INPUT
        break
      }
      if (to >= limit) {
        came = SEGMENT_READY
        break
      }
      bits |= load<u64>(next) << count
      next += <usize>((~count & 63) >> 3)
      count |= 56

      // Up to four looks, eight literals, before bits must be fetched again.
      let entry = Inflate.look(bits)
      if (entry >= ONE_LITERAL) {
        store<u16>(to, <u16>(entry >> 8))
        to += Tables.literalsOf(entry)
        bits >>= <u64>entry
        count -= <u64>entry
        entry = Inflate.look(bits)
        if (entry >= ONE_LITERAL) {
          store<u16>(to, <u16>(entry >> 8))
          to += Tables.literalsOf(entry)
          bits >>= <u64>entry
          count -= <u64>entry
          entry = Inflate.look(bits)
          if (entry >= ONE_LITERAL) {
            store<u16>(to, <u16>(entry >> 8))
            to += Tables.literalsOf(entry)
            bits >>= <u64>entry
            count -= <u64>entry
            entry = Inflate.look(bits)
            if (entry >= ONE_LITERAL) {
              store<u16>(to, <u16>(entry >> 8))
              to += Tables.literalsOf(entry)
              bits >>= <u64>entry
              count -= <u64>entry
              continue
            }
          }
        }
        bits |= load<u64>(next) << count
        next += <usize>((~count & 63) >> 3)
        count |= 56
      }
      if (entry & MARK_MASK) {
        if (entry & LINK_MARK) {
          bits >>= LITERAL_BITS
          count -= LITERAL_BITS
          const second = Tables.link(entry) + <i32>(bits & ((1 << LITERAL_REST) - 1))
          entry = load<u32>((<usize>second) << 2, LITERAL_TABLE)
          if (entry >= ONE_LITERAL) {
            store<u8>(to, <u8>(entry >> 8))
            to++
            bits >>= <u64>entry
            count -= <u64>entry
            continue
          }
        }
        if (entry & MARK_MASK) {
          came = entry & END_MARK ? GOES_ON : BAD_LITERAL_CODE
          bits >>= <u64>entry
          count -= <u64>entry
          break
        }
      }
      const lengthExtra = <u32>(bits >> <u64>Tables.codeBits(entry)) & Tables.extraMask(entry)
      bits >>= <u64>entry
      count -= <u64>entry
      const length = Tables.lengthBase(entry) + <i32>lengthExtra

      let far = load<u32>((<usize>(bits & ((1 << DISTANCE_BITS) - 1))) << 2, DISTANCE_TABLE)
      if (<i32>far <= 0) {
        if (far !== 0) {
          bits >>= DISTANCE_BITS
          count -= DISTANCE_BITS
          const second = Tables.farLink(far) + <i32>(bits & ((1 << DISTANCE_REST) - 1))
          far = load<u32>((<usize>second) << 2, DISTANCE_TABLE)
        }
        if (far === 0) {
          came = BAD_DISTANCE_CODE
          break
        }
      }
      const distanceExtra = (bits & (((<u64>1) << (<u64>far)) - 1)) >> <u64>((far >> 6) & 15)
      const reference = <i32>(far >> 10) + <i32>distanceExtra
      const distance = Repeats.less(reference) + 1
      bits >>= <u64>far
      count -= <u64>far
      let from = to - <usize>distance
      if (from < oldest) {
        came = TOO_FAR_BACK
        break
      }
      Repeats.put(hint, to, length, reference)
      hint += 8
      const end = to + <usize>length
      if (distance >= 16) {
        do {
          v128.store(to, v128.load(from))
          to += 16
          from += 16
        } while (to < end)
      } else {
        // What repeats within a vector is spread over it first.
        const spread = i8x16.swizzle(v128.load(from), v128.load((<usize>distance) << 4, SPREAD))
        const step = <usize>load<u8>(<usize>distance, SPREAD_BYTES)
        do {
          v128.store(to, spread)
          to += step
        } while (to < end)
      }
      to = end
    }
    Reader.next = next
    Reader.bits = bits
    Reader.count = <i64>(count & 63)
    Window.inflated = to
    Hints.end = hint
    if (came === GOES_ON) Inflate.at = AT_BLOCK
    return Reader.isComplete && Reader.left() < 0 ? CUT_SHORT : came
  }
}
