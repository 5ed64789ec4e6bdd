/** A reference has the distance, less one, in bits 0 to 14, and its symbol in bits 15 to 19. */
export const REFERENCE_BITS: i32 = 20
const LESS_BITS = 15

/**
 * Hints and matches are lists of repeats, each of 64 bits: the address where the repeated bytes begin, in the low half;
 * in the high half a word of how far back they are referred to (a reference) and, above that, how many they are.
 */
export class Repeats {
  @inline
  static put(at: usize, start: usize, length: i32, reference: i32): void {
    store<u32>(at, <u32>start)
    store<i32>(at, (length << REFERENCE_BITS) | reference, 4)
  }

  @inline
  static start(at: usize): usize {
    return <usize>load<u32>(at)
  }

  /** The high half, for the functions below. */
  @inline
  static word(at: usize): i32 {
    return load<i32>(at, 4)
  }

  /** In bytes. */
  @inline
  static length(word: i32): i32 {
    return word >>> REFERENCE_BITS
  }

  @inline
  static reference(word: i32): i32 {
    return word & ((1 << REFERENCE_BITS) - 1)
  }

  /** The distance in bytes, less one; of a reference or a whole word. */
  @inline
  static less(reference: i32): i32 {
    return reference & ((1 << LESS_BITS) - 1)
  }

  /** The symbol of the distance, of a reference alone. */
  @inline
  static symbol(reference: i32): i32 {
    return reference >>> LESS_BITS
  }

  /** What refers back by a distance, less one, of this symbol. */
  @inline
  static referenceOf(less: i32, symbol: i32): i32 {
    return (symbol << LESS_BITS) | less
  }
}
