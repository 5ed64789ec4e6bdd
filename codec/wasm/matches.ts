import { Bytes } from './bytes.ts'
import { Mending } from './mending.ts'
import { Prices } from './prices.ts'
import { Repeats } from './repeats.ts'
import { Rows } from './rows.ts'
import { MIN_MATCH, Symbols } from './symbols.ts'
import { SEGMENT_BYTES, TO_EXCHANGED } from './window.ts'

const MOST_MATCHES = SEGMENT_BYTES / MIN_MATCH + 64
/** In front of the first stands the last one of the segment before. */
const BEFORE: usize = memory.data(8 + 8 * MOST_MATCHES, 16)
const MATCHES: usize = BEFORE + 8

/** A match may go on beyond its hint by so many bytes. */
const BEYOND: usize = 2

/**
 * The matches among the exchanged bytes of the present segment, in order and apart from each other: repeats
 * (`repeats.ts`) that begin in the window of exchanged rows.
 */
export class Matches {
  /** Behind the last one. */
  static end: usize = MATCHES

  static begin(): void {
    Matches.end = MATCHES
    Repeats.put(BEFORE, 0, 0, Symbols.reference(Rows.pixelBytes))
  }

  @inline
  static first(): usize {
    return MATCHES
  }

  /**
   * Makes matches of the hints from `first` up to `last`, as far as the exchanged bytes still repeat and it pays.
   * Whatever a hint says, a match is made only of bytes that have been compared.
   */
  static take(first: usize, last: usize, end: usize): void {
    const limit = end + TO_EXCHANGED
    store<u64>(BEFORE, load<u64>(Matches.end - 8))
    let at = MATCHES
    for (let hint = first; hint < last; hint += 8) {
      const word = Repeats.word(hint)
      const begin = Repeats.start(hint) + TO_EXCHANGED
      const hinted = Repeats.length(word)
      let reference = Repeats.reference(word)
      const distance = <usize>Repeats.less(reference) + 1
      const stop = begin + <usize>hinted
      // A match never reaches into the next hint: so no match depends on the one before, and the processor works on
      // several at once.
      const next = hint + 8 < last ? Repeats.start(hint + 8) + TO_EXCHANGED : limit
      // Within a pixel the exchange moves bytes by one sample: often the repeat now begins a byte later.
      let start = begin + <usize>(load<u8>(begin) !== load<u8>(begin - distance))
      let length = Bytes.same(start, start - distance, min(stop + BEYOND, next))
      // Of a long hint less than half is left: other distances are worth a look.
      if (length < (hinted >> 3) << 2) {
        Mending.begin(start, length, <i32>distance)
        Mending.run(begin, min(stop, next), Repeats.less(Repeats.word(at - 8)) + 1)
        start = Mending.start
        length = Mending.length
        reference = Symbols.reference(Mending.distance)
      }
      Repeats.put(at, start, length, reference)
      at += <usize>((<i32>Prices.pays(start, length, reference)) << 3)
    }
    Matches.end = at
  }
}
