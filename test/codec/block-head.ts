import type { Bits } from './bits.ts'
import { isLikely, type Random } from './chance.ts'
import type { Fault } from './fault.ts'
import { lengthen, numbered, prefixOf } from './prefix.ts'

/** The order of the lengths of the code of lengths (RFC 1951 section 3.2.7). */
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

/** A length, or a repeat, which has extra bits. */
interface Item {
  readonly symbol: number
  readonly extra: number
  readonly extraBits: number
}

/** The repeats: how many they stand for at least, how many more at most, and in how many bits. */
const REPEAT = { symbol: 16, least: 3, more: 3, extraBits: 2 }
const ZEROS = { symbol: 17, least: 3, more: 7, extraBits: 3 }
const MANY_ZEROS = { symbol: 18, least: 11, more: 127, extraBits: 7 }

/** The head of a dynamic block; whatever the lengths are, they are written. */
export function writeHead(
  bits: Bits,
  literals: readonly number[],
  distances: readonly number[],
  random: Random,
  fault?: Fault,
): void {
  const items = itemsOf([...literals, ...distances], random)
  if (fault === 'repeat of nothing') items.unshift({ symbol: 16, extra: random(4), extraBits: 2 })
  if (fault === 'repeat too long') {
    items.pop()
    items.push(
      random(2) === 0
        ? { symbol: 18, extra: random(128), extraBits: 7 }
        : { symbol: 16, extra: random(4), extraBits: 2 },
    )
  }
  const used = new Set(items.map(({ symbol }) => symbol))
  while (used.size < 2 || isLikely(random, 20)) used.add(random(19))
  const lengths = fault === 'no lengths' ? new Array<number>(19).fill(0) : prefixOf(used, 19, 7, random)
  const { codes } = numbered([...lengths])
  if (fault === 'lengths oversubscribed') lengthen(lengths, -1, random)
  if (fault === 'lengths incomplete') lengthen(lengths, 1, random)
  let count = 19
  while (count > 4 && lengths[ORDER[count - 1] as number] === 0) count -= 1
  if (isLikely(random, 30)) count += random(20 - count)

  bits.put(literals.length - 257, 5)
  bits.put(distances.length - 1, 5)
  bits.put(count - 4, 4)
  for (const symbol of ORDER.slice(0, count)) bits.put((lengths[symbol] as number) & 7, 3)
  for (const { symbol, extra, extraBits } of items) {
    bits.put(codes[symbol] as number, lengths[symbol] as number)
    bits.put(extra, extraBits)
  }
}

/** The lengths with some of what repeats written as repeats, also across the end of the literals. */
function itemsOf(lengths: readonly number[], random: Random): Item[] {
  const items: Item[] = []
  const thrift = random(4)
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at] as number
    let run = 1
    while (lengths[at + run] === length) run += 1
    const isAgain = at > 0 && lengths[at - 1] === length
    const kind = length > 0 || random(8) === 0 ? REPEAT : run >= 11 && random(8) > 0 ? MANY_ZEROS : ZEROS
    if (run < kind.least || (kind === REPEAT && !isAgain) || (thrift > 0 && random(4 * thrift) === 0)) {
      items.push({ symbol: length, extra: 0, extraBits: 0 })
      at += 1
      continue
    }
    const most = Math.min(run - kind.least, kind.more)
    const extra = random(4) > 0 ? most : random(1 + most)
    items.push({ symbol: kind.symbol, extra, extraBits: kind.extraBits })
    at += kind.least + extra
  }
  return items
}
