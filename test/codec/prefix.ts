import { oneOf, type Random } from './chance.ts'

/** Lengths of codes by symbol, 0 for those that have none, and the codes as they are written. */
export interface Prefix {
  readonly lengths: readonly number[]
  readonly codes: readonly number[]
}

/**
 * A code of random shape for `used` symbols out of `count`, no code longer than `most` bits. It is complete, but for a
 * lone symbol, whose code has one bit.
 */
export function prefixOf(used: Iterable<number>, count: number, most: number, random: Random): number[] {
  const symbols = [...used]
  const tree = treeOf(symbols.length, most, random)
  const lengths = new Array<number>(count).fill(0)
  for (const symbol of symbols) {
    const [length] = tree.splice(random(tree.length), 1)
    lengths[symbol] = length as number
  }
  return lengths
}

/** Depths of the leaves of a random binary tree. */
function treeOf(leaves: number, most: number, random: Random): number[] {
  if (leaves < 2) return new Array<number>(leaves).fill(1)
  const depths = [0]
  // Half of the trees are lopsided, so that the longest codes occur.
  const isLopsided = random(2) === 0
  while (depths.length < leaves) {
    const at = isLopsided && random(8) > 0 ? depths.length - 1 : random(depths.length)
    const depth = depths[at] as number
    if (depth === most) {
      depths.unshift(depths.pop() as number)
      continue
    }
    depths.splice(at, 1)
    depths.push(depth + 1, depth + 1)
  }
  return depths
}

/** Makes the code of one symbol a bit longer or shorter; or, for incompleteness, takes it away. */
export function lengthen(lengths: number[], by: 1 | -1, random: Random): void {
  const fitting = [...lengths.keys()].filter(symbol => {
    const length = lengths[symbol] as number
    return length > 0 && length + by > 0 && length + by < 16
  })
  if (fitting.length === 0) return
  const symbol = oneOf(random, fitting)
  lengths[symbol] = by > 0 && fitting.length > 2 && random(2) === 0 ? 0 : (lengths[symbol] as number) + by
}

/** Numbers the codes (RFC 1951 section 3.2.2); of lengths that make no code it gives something. */
export function numbered(lengths: readonly number[]): Prefix {
  const counts = new Array<number>(16).fill(0)
  for (const length of lengths) if (length > 0) counts[length] = (counts[length] as number) + 1
  const next = new Array<number>(16).fill(0)
  for (let length = 1, code = 0; length < 16; length += 1) {
    next[length] = code
    code = (code + (counts[length] as number)) << 1
  }
  const codes = lengths.map(length => {
    if (length === 0) return 0
    const code = next[length] as number
    next[length] = code + 1
    return reversed(code, length)
  })
  return { lengths, codes }
}

function reversed(code: number, bits: number): number {
  let result = 0
  for (let bit = 0; bit < bits; bit += 1) result |= ((code >> bit) & 1) << (bits - 1 - bit)
  return result
}

/** The codes of fixed blocks (section 3.2.6). */
export const FIXED_LITERALS: Prefix = numbered(
  Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)),
)
export const FIXED_DISTANCES: Prefix = numbered(new Array<number>(32).fill(5))
