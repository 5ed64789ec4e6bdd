import { Blocks } from './blocks.ts'
import { Hints } from './hints.ts'
import { Inflate } from './inflate.ts'
import { Matches } from './matches.ts'
import { Rows } from './rows.ts'
import { Search } from './search.ts'
import { SEGMENT_BYTES, TO_EXCHANGED, Window } from './window.ts'

/** With hints, blocks of at least so many bytes follow those of the input, whose compressor knew why it began them. */
const HINTED_BYTES: i32 = 1 << 14
/** A choice holds for so many segments; the first, made where there is little to refer to, for one. */
const HOLDS = 16
/** One that was clear holds longer. */
const HOLDS_LONG = 64
/** Part of a segment that both ways are tried on, and its bounds in bytes. */
const SAMPLE_SHARE = 8
const SAMPLE_LEAST = 2048
const SAMPLE_MOST = 4096
/** Hints for less than this part of the bytes are none. */
const LITTLE = 16
/** How much searching must save to be worth its time: a part of the bits, and bits a sample. */
const WORTH_SHARE: i64 = 80
const WORTH_BITS: i64 = 64

/**
 * Whether the matches of the input are good enough, or others must be looked for: because it was compressed badly, or
 * because its matches do not survive the exchange.
 */
export class Choice {
  static isSearching: bool = false
  /** Segments until it is thought over. */
  private static left: i32 = 0

  static begin(): void {
    Choice.isSearching = false
    Choice.left = 0
    Inflate.segmentBytes = HINTED_BYTES
    Search.begin()
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
    else Choice.isSearching = (Inflate.level < 2 || 2 * matched < bytes) && Choice.isWorth(last, end)
    Inflate.segmentBytes = Choice.isSearching ? SEGMENT_BYTES : HINTED_BYTES
  }

  /** A compressor that never reaches as far has not looked at the row above. */
  private static almostRow(): i32 {
    return <i32>min<i64>(Rows.rowBytes - Rows.pixelBytes - 1, 16384)
  }

  /** Tries both on the end of the segment, where there is most to refer to. */
  private static isWorth(last: usize, end: usize): bool {
    const bytes = <i32>(end - Window.segment)
    const sample = end - <usize>min(bytes, max(SAMPLE_LEAST, min(bytes / SAMPLE_SHARE, SAMPLE_MOST)))
    Matches.take(Hints.until(sample), last, end)
    const hinted = Blocks.price(sample + TO_EXCHANGED, end + TO_EXCHANGED)
    Search.run(sample, end)
    const searched = Blocks.price(sample + TO_EXCHANGED, end + TO_EXCHANGED)
    if (hinted < searched) Choice.left = HOLDS_LONG
    // What it remembers is the sample's; the segment begins before that.
    Search.begin()
    return hinted - searched > max(hinted / WORTH_SHARE, WORTH_BITS)
  }
}
