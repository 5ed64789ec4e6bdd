import { isLikely, oneOf, type Random } from './chance.ts'

/** A symbol with its extra bits. */
export interface Sign {
  readonly symbol: number
  readonly extra: number
  readonly extraBits: number
}

/** A literal, or a match, which has a distance behind its length. */
export interface Token extends Sign {
  readonly far?: Sign
}

/** The literals, 286 and 287 as well. */
export const LITERALS: readonly Token[] = Array.from({ length: 288 }, (_, symbol) => ({
  symbol,
  extra: 0,
  extraBits: 0,
}))

/** How many extra bits the symbols from the first on have (RFC 1951 section 3.2.5), in groups of four and two. */
function extraBitsOf(symbol: number, group: number): number {
  return Math.max(0, Math.floor(symbol / group) - 1)
}

function basesOf(count: number, group: number, first: number): number[] {
  const bases: number[] = []
  for (let symbol = 0, base = first; symbol < count; symbol += 1) {
    bases.push(base)
    base += 1 << extraBitsOf(symbol, group)
  }
  return bases
}

const LENGTH_BASES = basesOf(28, 4, 3)
const DISTANCE_BASES = basesOf(30, 2, 1)
const MOST = 258

function signOf(value: number, bases: readonly number[], group: number, first: number): Sign {
  let symbol = bases.length - 1
  while ((bases[symbol] as number) > value) symbol -= 1
  return {
    symbol: first + symbol,
    extra: value - (bases[symbol] as number),
    extraBits: extraBitsOf(symbol, group),
  }
}

/** A match. 258 has a symbol of its own and can be written with that of 257 as well: zlib reads both. */
export function matchOf(length: number, distance: number, random: Random): Token {
  const far = signOf(distance, DISTANCE_BASES, 2, 0)
  if (length === MOST && isLikely(random, 80)) return { symbol: 285, extra: 0, extraBits: 0, far }
  return { ...signOf(length, LENGTH_BASES, 4, 257), far }
}

/** A match whose distance has one of the two symbols that do not exist. */
export function strayMatch(random: Random): Token {
  return { symbol: 257, extra: 0, extraBits: 0, far: { symbol: 30 + random(2), extra: 0, extraBits: 0 } }
}

/** A length from 3 on, at most `most`; the longest and the edges of symbols often. */
export function someLength(most: number, random: Random): number {
  const kind = random(10)
  const length =
    kind < 2
      ? MOST
      : kind < 6
        ? 3 + random(9)
        : kind < 8
          ? oneOf(random, LENGTH_BASES) + random(2) - 1
          : 3 + random(256)
  return Math.max(3, Math.min(length, most, MOST))
}

/** A distance up to `most`: near ones, edges of symbols, whole rows, and the furthest often. */
export function someDistance(most: number, rowBytes: number, random: Random): number {
  const kind = random(12)
  const distance =
    kind < 4
      ? 1 + random(20)
      : kind < 6
        ? oneOf(random, DISTANCE_BASES) - random(2)
        : kind < 8
          ? rowBytes * (1 + random(3))
          : kind < 10
            ? most - random(2)
            : 1 + random(most)
  return Math.max(1, Math.min(distance, most))
}
