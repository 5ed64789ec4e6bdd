/** Largest prime below 2^16 (RFC 1950 section 8.2). */
const MODULUS: u32 = 65521
/** Most vectors of 16 bytes before the sums must be reduced, so that they stay within 32 bits. */
const MOST_VECTORS = 256

/** Sum of the four lanes. */
function total(lanes: v128): u32 {
  return (
    i32x4.extract_lane(lanes, 0) +
    i32x4.extract_lane(lanes, 1) +
    i32x4.extract_lane(lanes, 2) +
    i32x4.extract_lane(lanes, 3)
  )
}

/**
 * Adler-32 of `count` more bytes, from what it was before (1 at the start). RFC 1950 section 8.2: the low half is the sum
 * of the bytes, the high half the sum of those sums.
 */
export function adler32(from: usize, count: i32, before: u32): u32 {
  let sum = before & 0xffff
  let sums = before >> 16
  let at = from
  let left = count
  const weightsLow = i16x8(16, 15, 14, 13, 12, 11, 10, 9)
  const weightsHigh = i16x8(8, 7, 6, 5, 4, 3, 2, 1)
  while (left >= 16) {
    const vectors = min(left >> 4, MOST_VECTORS)
    left -= vectors << 4
    // A byte counts once for each byte from it to the end: by its place in its vector, and 16 times for each vector after.
    sums += sum * (vectors << 4)
    let vectorSum = i32x4.splat(0)
    let weighted = i32x4.splat(0)
    let before = i32x4.splat(0)
    for (const end = at + ((<usize>vectors) << 4); at < end; at += 16) {
      const bytes = v128.load(at)
      before = i32x4.add(before, vectorSum)
      vectorSum = i32x4.add(vectorSum, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(bytes)))
      const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(bytes), weightsLow)
      const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(bytes), weightsHigh)
      weighted = i32x4.add(weighted, i32x4.add(low, high))
    }
    sums = (sums + total(weighted) + (total(before) << 4)) % MODULUS
    sum = (sum + total(vectorSum)) % MODULUS
  }
  for (; left > 0; left--) {
    sum += load<u8>(at++)
    sums += sum
  }
  return ((sums % MODULUS) << 16) | (sum % MODULUS)
}
