import { Repeats } from './repeats.ts'
import { MIN_MATCH } from './symbols.ts'
import { SEGMENT_BYTES } from './window.ts'

/** A segment has no more matches than this; some of the one before may be left over. */
const MOST_HINTS = SEGMENT_BYTES / MIN_MATCH + 64
const HINTS: usize = memory.data(8 * MOST_HINTS, 16)

/**
 * The matches of the input, in order: repeats (`repeats.ts`) that begin in the window of given rows. What repeats before
 * the exchange mostly repeats after it, so they tell where to look; whether it does, the bytes themselves say
 * (`matches.ts`).
 */
export class Hints {
  /** Behind the last one. */
  static end: usize = HINTS

  static begin(): void {
    Hints.end = HINTS
  }

  @inline
  static first(): usize {
    return HINTS
  }

  /** Behind the last hint that begins before `end`. */
  static until(end: usize): usize {
    let at = Hints.end
    while (at > HINTS && Repeats.start(at - 8) >= end) at -= 8
    return at
  }

  /** Bytes that they stand for up to `last`. */
  static bytes(last: usize): i32 {
    let bytes = 0
    for (let at = HINTS; at < last; at += 8) bytes += Repeats.length(Repeats.word(at))
    return bytes
  }

  /** Whether one of them up to `last` reaches further back than `distance`. */
  static reach(last: usize, distance: i32): bool {
    for (let at = HINTS; at < last; at += 8) if (Repeats.less(Repeats.word(at)) >= distance) return true
    return false
  }

  /** Forgets those before `at`; what the last of them has beyond `end` becomes a hint of its own. */
  static drop(at: usize, end: usize): void {
    let to = HINTS
    if (at > HINTS) {
      const last = at - 8
      const word = Repeats.word(last)
      const over = <i32>(Repeats.start(last) + Repeats.length(word) - end)
      if (over > 0) {
        Repeats.put(to, end, over, Repeats.reference(word))
        to += 8
      }
    }
    const bytes = Hints.end - at
    memory.copy(to, at, bytes)
    Hints.end = to + bytes
  }

  /** The window has slid by so many bytes. */
  static slide(by: usize): void {
    for (let at = HINTS; at < Hints.end; at += 8) store<u32>(at, load<u32>(at) - <u32>by)
  }
}
