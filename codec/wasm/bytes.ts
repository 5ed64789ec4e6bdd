import { MAX_MATCH } from './symbols.ts'

/** Bytes at two places, compared. */
export class Bytes {
  /** How many bytes from two addresses on are the same, at most those before `limit`. May look at 15 bytes beyond. */
  @inline
  static same(one: usize, other: usize, limit: usize): i32 {
    const most = <i32>(limit - one)
    const differing = load<u64>(one) ^ load<u64>(other)
    return min(differing !== 0 ? <i32>(ctz(differing) >> 3) : Bytes.sameBeyond(one, other, most), most)
  }

  /** The same when the first eight bytes do not differ. */
  private static sameBeyond(one: usize, other: usize, most: i32): i32 {
    let count = 8
    while (count < most) {
      const equal = i8x16.eq(v128.load(one + <usize>count), v128.load(other + <usize>count))
      const differing = ~i8x16.bitmask(equal) & 0xffff
      if (differing !== 0) return min(count + ctz(differing), MAX_MATCH)
      count += 16
    }
    return min(count, MAX_MATCH)
  }
}
