import { Bytes } from './bytes.ts'
import { Matches } from './matches.ts'
import { Prices } from './prices.ts'
import { Repeats } from './repeats.ts'
import { Rows } from './rows.ts'
import { MAX_DISTANCE, MAX_MATCH, Symbols } from './symbols.ts'
import { TO_EXCHANGED, Window } from './window.ts'

/** Shortest match that is looked for: what is hashed. */
const KEY_BYTES = 4
const HASH_BITS = 14
/**
 * By hash of four bytes, the last four places where such bytes stood, the latest in the lowest 16 bits: u64. A place is
 * the low half of a position in the stream, since matches reach no further.
 */
const PLACES: usize = memory.data(8 << HASH_BITS, 64)
/** After so many places in a row without a match, as a power of 2, one more place is left out each time. */
const PATIENCE = 10
/** A match with the row above must be longer by more bytes than this, since far distances cost more bits. */
const BETTER = 4
/** Of a match, so many places are remembered. */
const REMEMBERED = 16

/** Finds matches where the hints are of no use, as zlib does at its lowest levels. */
export class Search {
  /** Up to which position of the stream places have been remembered. */
  private static known: i64 = 0

  static begin(): void {
    Search.known = 0
  }

  /** Makes matches of what repeats in the exchanged bytes from `begin` to `end`, addresses in the present segment. */
  static run(begin: usize, end: usize): void {
    const limit = end + TO_EXCHANGED
    const oldest = Window.oldest() + TO_EXCHANGED
    const toPosition = <u32>Window.before - <u32>(Window.segment + TO_EXCHANGED)
    Search.catchUp(begin, toPosition)
    const stride = <usize>Rows.stride()
    let match = Matches.first()
    let misses = 0
    let at = begin + TO_EXCHANGED
    while (at + KEY_BYTES <= limit) {
      const key = load<u32>(at)
      const place = Search.placeOf(key)
      const places = load<u64>(place, PLACES)
      const position = <u32>at + toPosition
      store<u64>(place, (places << 16) | (position & 0xffff), PLACES)
      const most = min(limit, at + MAX_MATCH)
      let length = 0
      let distance = 0
      // Mostly none of them has the same bytes, which one branch finds out. What is looked at lies less than 64 KB back,
      // where there is always memory, if not the rows'.
      const isAny =
        <i32>(load<u32>(Search.back(at, position, places)) === key) |
        <i32>(load<u32>(Search.back(at, position, places >> 16)) === key) |
        <i32>(load<u32>(Search.back(at, position, places >> 32)) === key) |
        <i32>(load<u32>(Search.back(at, position, places >> 48)) === key)
      // A place is one of this stream, or 0; what lies there is compared either way.
      for (let left = isAny ? places : 0; left !== 0; left >>= 16) {
        const other = Search.back(at, position, left)
        const back = <i32>(at - other)
        if (load<u32>(other) !== key || back === 0 || back > MAX_DISTANCE) continue
        const same = Bytes.same(at, other, most)
        if (same > length) {
          length = same
          distance = back
        }
      }
      // In flat rows all places that are remembered lie in this one.
      const above = at - stride
      if (stride > 0 && length < MAX_MATCH && above >= oldest && load<u32>(above) === key) {
        const same = Bytes.same(at, above, most)
        if (same > length + BETTER) {
          length = same
          distance = <i32>stride
        }
      }
      if (length >= KEY_BYTES) {
        const reference = Symbols.reference(distance)
        if (Prices.pays(at, length, reference)) {
          Repeats.put(match, at, length, reference)
          match += 8
          Search.remember(at + 1, min(at + <usize>min(length, REMEMBERED), limit - KEY_BYTES), toPosition)
          at += <usize>length
          misses = 0
          continue
        }
      }
      misses++
      at += 1 + <usize>(misses >> PATIENCE)
    }
    Matches.end = match
    Search.known = Window.before + <i64>(end - Window.segment)
  }

  /** Remembers the places before `begin` that it has not seen yet, as far back as a match may reach. */
  private static catchUp(begin: usize, toPosition: u32): void {
    if (Search.known === 0) memory.fill(PLACES, 0, 8 << HASH_BITS)
    const seen = max<i64>(Search.known - Window.before, <i64>Window.oldest() - <i64>Window.segment)
    const from = Window.segment + <usize>max<i64>(seen, <i64>begin - <i64>Window.segment - MAX_DISTANCE)
    Search.remember(from + TO_EXCHANGED, begin + TO_EXCHANGED, toPosition)
  }

  private static remember(from: usize, end: usize, toPosition: u32): void {
    for (let at = from; at < end; at++) {
      const place = Search.placeOf(load<u32>(at))
      store<u64>(place, (load<u64>(place, PLACES) << 16) | ((<u32>at + toPosition) & 0xffff), PLACES)
    }
  }

  /** The address of the lowest of some places, seen from `at`. */
  @inline
  private static back(at: usize, position: u32, places: u64): usize {
    return at - <usize>((position - <u32>places) & 0xffff)
  }

  @inline
  private static placeOf(key: u32): usize {
    return (<usize>((key * 0x9e3779b1) >> (32 - HASH_BITS))) << 3
  }
}
