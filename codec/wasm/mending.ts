import { Bytes } from './bytes.ts'
import { Rows } from './rows.ts'
import { MAX_DISTANCE, MAX_MATCH } from './symbols.ts'
import { TO_EXCHANGED, Window } from './window.ts'

/** Looks for another distance where a long hint does not match any more, and keeps the best match found. */
export class Mending {
  static start: usize = 0
  static length: i32 = 0
  static distance: i32 = 0

  /** What there is so far. */
  static begin(start: usize, length: i32, distance: i32): void {
    Mending.start = start
    Mending.length = length
    Mending.distance = distance
  }

  /** Looks at exchanged bytes from `begin` up to `limit`; `last` is the distance of the last match. */
  static run(begin: usize, limit: usize, last: i32): void {
    const pixels = Mending.distance - (Mending.distance % Rows.pixelBytes)
    Mending.look(begin, limit, last)
    Mending.look(begin, limit, Rows.stride())
    Mending.look(begin, limit, pixels)
    Mending.look(begin, limit, pixels + Rows.pixelBytes)
  }

  private static look(begin: usize, limit: usize, distance: i32): void {
    const oldest = Window.oldest() + TO_EXCHANGED
    if (distance <= 0 || distance > MAX_DISTANCE || begin - <usize>distance < oldest) return
    for (let from = begin; from <= begin + 1; from++) {
      const length = Bytes.same(from, from - <usize>distance, min(limit, from + MAX_MATCH))
      if (length > Mending.length + 1) Mending.begin(from, length, distance)
    }
  }
}
