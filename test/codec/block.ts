import type { Bits } from './bits.ts'
import { writeHead } from './block-head.ts'
import { isLikely, type Random } from './chance.ts'
import type { Fault } from './fault.ts'
import { FIXED_DISTANCES, FIXED_LITERALS, lengthen, numbered, type Prefix, prefixOf } from './prefix.ts'
import type { Token } from './token.ts'

/** Type and mark of the last block, RFC 1951 section 3.2.3. */
function begin(bits: Bits, type: number, isLast: boolean): void {
  bits.put(isLast ? 1 : 0, 1)
  bits.put(type, 2)
}

export function writeStored(bits: Bits, bytes: Uint8Array, isLast: boolean, damage = 0, filling = 0): void {
  begin(bits, 0, isLast)
  bits.align(filling)
  bits.put(bytes.length, 16)
  bits.put((~bytes.length & 0xffff) ^ damage, 16)
  bits.append(bytes)
}

export function writeFixed(bits: Bits, tokens: readonly Token[], isLast: boolean): void {
  begin(bits, 1, isLast)
  writeTokens(bits, tokens, FIXED_LITERALS, FIXED_DISTANCES)
}

/** A block with codes of random shape; some are for symbols that do not occur. */
export function writeDynamic(
  bits: Bits,
  tokens: readonly Token[],
  isLast: boolean,
  random: Random,
  fault?: Fault,
): void {
  begin(bits, 2, isLast)
  const literals = new Set([256])
  const distances = new Set<number>()
  for (const { symbol, far } of tokens) {
    literals.add(symbol)
    if (far !== undefined) distances.add(far.symbol)
  }
  if (isLikely(random, 50)) for (let more = random(30); more > 0; more -= 1) literals.add(random(286))
  if (isLikely(random, 40)) for (let more = random(8); more > 0; more -= 1) distances.add(random(30))
  if (fault === 'no end of block') {
    literals.delete(256)
    literals.add(1).add(2)
  }
  if (fault === 'no distances') distances.clear()
  const tooMany = 286 + 1 + random(2)
  const literalCount = fault === 'too many literals' ? tooMany : countOf(literals, 257, 286, random)
  const distanceCount = fault === 'too many distances' ? 31 + random(2) : countOf(distances, 1, 30, random)
  const literalLengths = prefixOf(literals, literalCount, 15, random)
  const distanceLengths = prefixOf(distances, distanceCount, 15, random)
  // Before they are spoilt, so that what follows reads as it would have been.
  const literalPrefix = numbered([...literalLengths])
  const distancePrefix = numbered([...distanceLengths])
  if (fault === 'literals oversubscribed') lengthen(literalLengths, -1, random)
  if (fault === 'literals incomplete') lengthen(literalLengths, 1, random)
  if (fault === 'distances oversubscribed') lengthen(distanceLengths, -1, random)
  if (fault === 'distances incomplete') lengthen(distanceLengths, 1, random)
  writeHead(bits, literalLengths, distanceLengths, random, fault)
  writeTokens(bits, tokens, literalPrefix, distancePrefix, fault === 'other bit')
}

/** As many lengths as are needed, or some more. */
function countOf(used: ReadonlySet<number>, least: number, most: number, random: Random): number {
  const needed = Math.max(least, ...[...used].map(symbol => symbol + 1))
  return isLikely(random, 60) ? needed : needed + random(1 + most - needed)
}

/** With `isOther` the bit of each lone code is written the other way: nothing in the code begins like that. */
function writeTokens(
  bits: Bits,
  tokens: readonly Token[],
  literals: Prefix,
  distances: Prefix,
  isOther = false,
): void {
  const flip = (prefix: Prefix) =>
    isOther && prefix.lengths.filter(length => length > 0).length === 1 ? 1 : 0
  const literalFlip = flip(literals)
  const distanceFlip = flip(distances)
  const write = (prefix: Prefix, symbol: number, flipped: number) =>
    bits.put((prefix.codes[symbol] ?? 0) ^ flipped, prefix.lengths[symbol] ?? 1)
  for (const { symbol, extra, extraBits, far } of tokens) {
    write(literals, symbol, literalFlip)
    bits.put(extra, extraBits)
    if (far === undefined) continue
    write(distances, far.symbol, distanceFlip)
    bits.put(far.extra, far.extraBits)
  }
  write(literals, 256, literalFlip)
}
