/** Room for bytes of the zlib stream. */
export const INPUT_BYTES: i32 = 1 << 17

/** Bytes behind the input that may be looked at, never used: the reader fetches eight at a time. */
const SLACK_BYTES = 64

const INPUT: usize = memory.data(INPUT_BYTES + SLACK_BYTES, 16)

/**
 * The bit reader: bits come from the least significant end of each byte (RFC 1951 section 3.1.1). Up to 63 bits wait in
 * `bits`; above the `count` that are there, the bits of the next bytes may stand as well, or nothing.
 */
export class Reader {
  static next: usize = INPUT
  static end: usize = INPUT
  static bits: u64 = 0
  static count: i64 = 0
  /** Bytes of the stream that have been there so far. */
  private static appended: i64 = 0
  /** Whether the bytes up to `end` are the last. */
  static isComplete: bool = false

  static begin(): void {
    Reader.appended = 0
    Reader.next = INPUT
    Reader.end = INPUT
    Reader.bits = 0
    Reader.count = 0
    Reader.isComplete = false
  }

  /** Bytes of the stream that have been used so far. */
  static used(): i64 {
    return Reader.appended - <i64>Reader.left()
  }

  /** Moves what is unread to the front, and gives the address behind it. */
  static compact(): usize {
    Reader.toBytes()
    const left = Reader.end - Reader.next
    memory.copy(INPUT, Reader.next, left)
    Reader.next = INPUT
    Reader.end = INPUT + left
    return Reader.end
  }

  /** Bytes that can be appended after `compact`. */
  static room(): i32 {
    return INPUT_BYTES - <i32>(Reader.end - INPUT)
  }

  /** Takes `count` bytes, which have been put behind `end`. */
  static append(count: i32, isComplete: bool): void {
    Reader.end += count
    Reader.appended += count
    Reader.isComplete = isComplete
    if (isComplete) memory.fill(Reader.end, 0, SLACK_BYTES)
  }

  /** Bytes not used yet, whole ones among the waiting bits included; negative when more was used than there is. */
  @inline
  static left(): i32 {
    return <i32>(Reader.end - Reader.next) + <i32>(Reader.count >> 3)
  }

  /** Makes sure that at least 56 bits wait. */
  @inline
  static refill(): void {
    Reader.bits |= load<u64>(Reader.next) << (<u64>Reader.count)
    Reader.next += <usize>((63 - Reader.count) >> 3)
    Reader.count |= 56
  }

  /** Takes `count` of the waiting bits. */
  @inline
  static take(count: i32): i32 {
    const value = <i32>(Reader.bits & (((<u64>1) << (<u64>count)) - 1))
    Reader.drop(count)
    return value
  }

  @inline
  static drop(count: i32): void {
    Reader.bits >>= <u64>count
    Reader.count -= count
  }

  /** Gives whole waiting bytes back; what is left of a byte keeps waiting. */
  static toBytes(): void {
    Reader.next -= <usize>(Reader.count >> 3)
    Reader.count &= 7
    Reader.bits &= ((<u64>1) << (<u64>Reader.count)) - 1
  }

  /** Passes over the rest of a byte, and gives whole waiting bytes back. */
  static align(): void {
    Reader.toBytes()
    Reader.bits = 0
    Reader.count = 0
  }
}
