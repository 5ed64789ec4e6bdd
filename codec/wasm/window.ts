import { MAX_DISTANCE } from './symbols.ts'

/** Most bytes of rows that are worked on at once. */
export const SEGMENT_BYTES: i32 = 1 << 16
/** Bytes behind each window that may be written over: copies and exchanges go in steps of 16 bytes and overrun. */
const SLACK_BYTES = 1024
const WINDOW_BYTES = MAX_DISTANCE + 2 * SEGMENT_BYTES + SLACK_BYTES

const GIVEN: usize = memory.data(WINDOW_BYTES, 64)
const EXCHANGED: usize = memory.data(WINDOW_BYTES, 64)

/** From an address in the window of given rows to the same place among the exchanged ones. */
export const TO_EXCHANGED: isize = EXCHANGED - GIVEN

/**
 * The rows as they were given and, at the same places of a second window, as they are with their channels exchanged. In
 * front of the present segment stands what came before, as far back as a match may reach (RFC 1951 section 2). All
 * addresses are those of the first window.
 */
export class Window {
  /** Where the present segment begins; all before it has been coded. */
  static segment: usize = GIVEN + MAX_DISTANCE
  /** Behind the last byte that is exchanged. */
  static exchanged: usize = GIVEN + MAX_DISTANCE
  /** Behind the last byte that is inflated. */
  static inflated: usize = GIVEN + MAX_DISTANCE
  /** Bytes before `segment` since the start of the stream. */
  static before: i64 = 0

  static begin(): void {
    Window.segment = GIVEN + MAX_DISTANCE
    Window.exchanged = Window.segment
    Window.inflated = Window.segment
    Window.before = 0
  }

  /** Where the present segment may end at the latest. */
  @inline
  static limit(): usize {
    return Window.segment + SEGMENT_BYTES
  }

  /** The first byte that a match may refer to. */
  static oldest(): usize {
    return Window.segment - <usize>min<i64>(Window.before, MAX_DISTANCE)
  }

  /** Bytes of all rows that have been inflated so far. */
  static total(): i64 {
    return Window.before + <i64>(Window.inflated - Window.segment)
  }

  /** Makes `end` the beginning of the next segment. */
  static advance(end: usize): void {
    Window.before += <i64>(end - Window.segment)
    Window.segment = end
  }

  /** When room runs out, moves what matches may still refer to to the front. Gives by how many bytes. */
  static slide(): usize {
    const start = GIVEN + MAX_DISTANCE
    if (Window.segment <= start + SEGMENT_BYTES) return 0
    const by = Window.segment - start
    const bytes = Window.inflated - by - GIVEN
    memory.copy(GIVEN, GIVEN + by, bytes)
    memory.copy(EXCHANGED, EXCHANGED + by, bytes)
    Window.segment -= by
    Window.exchanged -= by
    Window.inflated -= by
    return by
  }
}
