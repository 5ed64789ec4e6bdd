import { Blocks } from './blocks.ts'
import { Hints } from './hints.ts'
import { Inflate } from './inflate.ts'
import { Matches } from './matches.ts'
import { Repeats } from './repeats.ts'
import { Rows } from './rows.ts'
import { Search } from './search.ts'
import { SEGMENT_BYTES, TO_EXCHANGED, Window } from './window.ts'

/** With hints, blocks of at least so many bytes follow those of the input, whose compressor knew why it began them. */
const HINTED_BYTES: i32 = 1 << 14
/** A choice holds for so many segments; the first, made where there is little to refer to, for one. */
const HOLDS = 16
/** One that was clear holds longer. */
const HOLDS_LONG = 64
/** Both ways are tried on so many hints, and on half a segment at most; after a loss, on half a segment. */
const SAMPLE_HINTS: usize = 450
/** Hints for less than this part of the bytes are none. */
const LITTLE = 16
/** How much searching must save to be worth its time: a part of the bits, and bits a sample. */
const WORTH_SHARE: i64 = 80
const WORTH_BITS: i64 = 64
/** The part after a loss, where the input may be compressed so well that searching comes to the same. */
const WORTH_SHARE_LOSING: i64 = 16
/** A segment that grows by more than this part is a loss. */
const LOSS = 8

/**
 * Whether the matches of the input are good enough, or others must be looked for: because it was compressed badly, or
 * because its matches do not survive the exchange.
 */
export class Choice {
  static isSearching: bool = false
  /** Whether it is thought over because of a loss, and for how many segments none counts after that. */
  private static isLosing: bool = false
  private static calm: i32 = 0
  /** Segments until it is thought over. */
  private static left: i32 = 0

  static begin(): void {
    Choice.isSearching = false
    Choice.left = 0
    Choice.isLosing = false
    Choice.calm = 0
    Inflate.segmentBytes = HINTED_BYTES
    Search.begin()
  }

  /** Compares what a segment came to with what it took in the input, both in bytes: a loss is a reason to think it over. */
  static weigh(given: i32, written: i32): void {
    if (Choice.calm > 0) Choice.calm--
    else if (!Choice.isSearching && LOSS * written > (LOSS + 1) * given) {
      Choice.isLosing = true
      Choice.left = 0
      Choice.calm = HOLDS
    }
  }

  /** Makes the matches of the segment up to `end`; its hints are those up to `last`. */
  static match(last: usize, end: usize): void {
    if (Choice.left === 0) Choice.make(last, end)
    Choice.left--
    if (Choice.isSearching) Search.run(Window.segment, end)
    else Matches.take(Hints.first(), last, end)
  }

  private static make(last: usize, end: usize): void {
    const bytes = <i32>(end - Window.segment)
    const matched = Hints.bytes(last)
    Choice.left = Window.before === 0 ? 1 : HOLDS
    if (LITTLE * matched < bytes || !Hints.reach(last, Choice.almostRow())) Choice.isSearching = true
    else if (Window.before === 0 && Rows.total > 2 * SEGMENT_BYTES) Choice.isSearching = false
    else {
      const isDoubted = Choice.isSearching || Choice.isLosing || Inflate.level < 2 || 2 * matched < bytes
      Choice.isSearching = isDoubted && Choice.isWorth(last, end)
    }
    Choice.isLosing = false
    Inflate.segmentBytes = Choice.isSearching ? SEGMENT_BYTES : HINTED_BYTES
  }

  /** A compressor that never reaches as far has not looked at the row above. */
  private static almostRow(): i32 {
    return <i32>min<i64>(Rows.rowBytes - Rows.pixelBytes - 1, 16384)
  }

  /** Tries both on the end of the segment, where there is most to refer to. It begins with a hint: half of one would speak against all. */
  private static isWorth(last: usize, end: usize): bool {
    const half = Hints.until(end - (end - Window.segment) / 2)
    const first = Choice.isLosing ? half : max(half, last - 8 * SAMPLE_HINTS)
    if (first >= last) return true
    const sample = Repeats.start(first)
    Matches.take(first, last, end)
    const hinted = Blocks.price(sample + TO_EXCHANGED, end + TO_EXCHANGED)
    Search.run(sample, end)
    const searched = Blocks.price(sample + TO_EXCHANGED, end + TO_EXCHANGED)
    // What it remembers is the sample's; the segment begins before that.
    Search.begin()
    if (hinted < searched) Choice.left = HOLDS_LONG
    const share = Choice.isLosing ? WORTH_SHARE_LOSING : WORTH_SHARE
    return hinted - searched > max(hinted / share, WORTH_BITS)
  }
}
