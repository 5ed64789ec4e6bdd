import { Bytes } from './bytes.ts'
import { Hints } from './hints.ts'
import { Mending } from './mending.ts'
import { Prices } from './prices.ts'
import { Rows } from './rows.ts'
import { MAX_MATCH, MIN_MATCH, Symbols } from './symbols.ts'
import { SEGMENT_BYTES, TO_EXCHANGED } from './window.ts'

const MOST_MATCHES = SEGMENT_BYTES / MIN_MATCH + 64
const MATCHES: usize = memory.data(8 * MOST_MATCHES, 16)

/** A match of more bytes than this is taken whatever it costs. */
const PRICED_BYTES = 7
/** A match may go on beyond its hint by so many bytes. */
const BEYOND: usize = 2
/** A hint of at least so many bytes, of which less than half still match, is worth looks at other distances. */
const WORTH_MENDING = 8

/**
 * The matches among the exchanged bytes of the present segment, in order and apart from each other. One takes 64 bits:
 * where it begins, an address in the window of exchanged rows; distance - 1 in 15 bits, length in 9 bits, the symbol of
 * the distance in 5.
 */
export class Matches {
  /** Behind the last one. */
  static end: usize = MATCHES
  /** The distance of the last match that was kept: rows often repeat at the same one. */
  private static lastDistance: i32 = 1

  static begin(): void {
    Matches.lastDistance = Rows.pixelBytes
  }

  @inline
  static first(): usize {
    return MATCHES
  }

  @inline
  static start(at: usize): usize {
    return <usize>load<u32>(at)
  }

  /** Distance, length and distance symbol together, for the functions below. */
  @inline
  static form(at: usize): u32 {
    return load<u32>(at, 4)
  }

  @inline
  static length(form: u32): i32 {
    return (form >> 15) & 511
  }

  /** The distance, less one. */
  @inline
  static less(form: u32): i32 {
    return form & 0x7fff
  }

  @inline
  static distanceSymbol(form: u32): i32 {
    return form >> 24
  }

  @inline
  static put(at: usize, start: usize, length: i32, less: i32, slot: usize): void {
    store<u32>(at, <u32>start)
    store<u32>(at, (Symbols.ofSlot(slot) << 24) | (length << 15) | less, 4)
  }

  static clear(): void {
    Matches.end = MATCHES
  }

  /**
   * Makes matches of the hints from `first` up to `last`, as far as the exchanged bytes still repeat and it pays.
   * Whatever a hint says, a match is made only of bytes that have been compared.
   */
  static take(first: usize, last: usize, end: usize): void {
    const limit = end + TO_EXCHANGED
    let at = MATCHES
    let lastDistance = Matches.lastDistance
    for (let hint = first; hint < last; hint += 8) {
      const begin = Hints.start(hint) + TO_EXCHANGED
      const distance = Hints.distance(hint)
      const stop = begin + <usize>Hints.length(hint)
      // A match never reaches into the next hint: so no match depends on the one before, and the processor works on
      // several at once.
      const next = hint + 8 < last ? Hints.start(hint + 8) + TO_EXCHANGED : limit
      let less = distance - 1
      // Within a pixel the exchange moves bytes by one sample: often the repeat now begins a byte later.
      let start = begin + <usize>(load<u8>(begin) !== load<u8>(begin - <usize>distance))
      let length = Bytes.same(
        start,
        start - <usize>distance,
        min(min(stop + BEYOND, next), start + MAX_MATCH),
      )
      const hinted = <i32>(min(stop, next) - begin)
      if (hinted >= WORTH_MENDING && length < hinted >> 1) {
        Mending.begin(start, length, distance)
        Mending.run(begin, min(stop, next), lastDistance)
        start = Mending.start
        length = Mending.length
        less = Mending.distance - 1
      }
      const slot = Symbols.slotOf(less)
      const isCheaper = Prices.literals(load<u64>(start), length) > Prices.match(max(length, 0), slot)
      const isKept = <i32>(length > PRICED_BYTES) | (<i32>(length >= MIN_MATCH) & <i32>isCheaper)
      Matches.put(at, start, length, less, slot)
      at += <usize>(isKept << 3)
      lastDistance = select<i32>(less + 1, lastDistance, isKept !== 0)
    }
    Matches.lastDistance = lastDistance
    Matches.end = at
  }
}
