import { Bits } from './bits.ts'
import { writeDynamic, writeFixed, writeStored } from './block.ts'
import { isLikely, oneOf, type Random, sizeOf } from './chance.ts'
import { adlerOf, headerOf } from './envelope.ts'
import { BLOCK_FAULTS, type Fault, STREAM_FAULTS } from './fault.ts'
import { type Extent, type Frame, filterPlaces, frameOf } from './picture.ts'
import { LITERALS, matchOf, someDistance, someLength, strayMatch, type Token } from './token.ts'

const MOST_DISTANCE = 32_768

/** A stream that is written block by block, of random tokens in random codes, half the time with one fault. */
export function builtOf(extent: Extent, random: Random): { frame: Frame; zlib: Buffer } {
  const frame = frameOf(extent, random)
  const fault = isLikely(random, 50) ? oneOf(random, [...BLOCK_FAULTS, ...STREAM_FAULTS]) : undefined
  return { frame, zlib: new Builder(frame, random, fault).build() }
}

class Builder {
  readonly #random: Random
  readonly #fault: Fault | undefined
  readonly #bits = new Bits()
  /** What the stream inflates to, as far as it is written. */
  readonly #rows: Buffer
  readonly #rowBytes: number
  /** 1 where a filter byte stands. */
  readonly #filters: Uint8Array
  /** The place of a filter byte that is wrong. */
  readonly #badFilter: number
  /** Literals have less than this: small ones make filter bytes wherever they are repeated. */
  readonly #literals: number
  #at = 0
  /** From here on the fault may be put in. */
  #faultAt: number

  constructor({ layout }: Frame, random: Random, fault: Fault | undefined) {
    this.#random = random
    this.#fault = fault
    const more = fault === 'longer' ? sizeOf(random, 1, 300) : fault === 'shorter' ? -sizeOf(random, 1, 5) : 0
    this.#rows = Buffer.alloc(Math.max(0, layout.inflatedBytes + more))
    this.#rowBytes = layout.passes[0]?.rowBytes ?? 1
    this.#filters = new Uint8Array(this.#rows.length)
    const places = filterPlaces(layout)
    for (const place of places) this.#filters[place] = 1
    const bad = random(3) === 0 ? places.at(-1) : oneOf(random, places)
    this.#badFilter = fault === 'filter' ? (bad ?? 0) : -1
    this.#literals = oneOf(random, [2, 5, 30, 256])
    this.#faultAt = random(1 + this.#rows.length)
  }

  build(): Buffer {
    const random = this.#random
    let isLast = false
    do {
      isLast = this.#at === this.#rows.length && random(3) > 0
      const next = this.#block(isLast)
      isLast = next
    } while (!isLast)
    const deflated = this.#bits.done()
    const adler = Buffer.alloc(4)
    adler.writeUInt32BE(adlerOf(this.#rows))
    if (this.#fault === 'adler') {
      const at = random(4)
      adler[at] = (adler[at] as number) ^ (1 << random(8))
    }
    const header = headerOf(random)
    if (this.#fault === 'header') spoilHeader(header, random)
    return Buffer.concat([header, deflated, adler])
  }

  /** Writes a block, which is the last when `mustEnd`, or when it happens to reach the end. Gives whether it was. */
  #block(mustEnd: boolean): boolean {
    const random = this.#random
    const left = this.#rows.length - this.#at
    const isLong = left > 20_000 && (this.#at < MOST_DISTANCE || random(3) === 0) && random(4) > 0
    const bytes = Math.min(left, isLong ? 9_000 + random(50_000) : sizeOf(random, 0, 1_500))
    const from = this.#at
    const end = from + bytes
    const fault = end >= this.#faultAt ? this.#fault : undefined
    if (fault !== undefined) this.#faultAt = Number.POSITIVE_INFINITY
    const isLast =
      this.#fault !== 'no last block' && (mustEnd || (end === this.#rows.length && random(2) === 0))
    if (fault === 'block type') {
      this.#bits.put((isLast ? 1 : 0) | 6, 3)
      return true
    }
    if (fault === 'stored length' || (fault === undefined && (isLong || random(5) === 0))) {
      while (this.#at < end) this.#literal()
      const damage = fault === undefined ? 0 : 1 << random(16)
      writeStored(this.#bits, this.#rows.subarray(from, end), isLast, damage, random(256))
      return isLast || (this.#fault === 'no last block' && end === this.#rows.length)
    }
    const tokens = fault === 'too far back' ? this.#tooFar(end) : []
    this.#tokens(tokens, end)
    if (fault !== undefined) this.#insert(tokens)
    if (fault === 'stray literal' || fault === 'stray distance' || random(4) === 0)
      writeFixed(this.#bits, tokens, isLast)
    else writeDynamic(this.#bits, tokens, isLast, random, fault)
    return isLast || (this.#fault === 'no last block' && end === this.#rows.length)
  }

  /** Literals and matches up to `end`, and what they inflate to into the rows. */
  #tokens(tokens: Token[], end: number): void {
    const random = this.#random
    // Where a segment may have just begun, with the furthest that it must still know.
    if (this.#at >= MOST_DISTANCE && end - this.#at >= 3 && random(2) === 0) {
      const furthest = this.#match(end, MOST_DISTANCE)
      if (furthest !== undefined) tokens.push(furthest)
    }
    const share = oneOf(random, [0, 20, 60, 95])
    while (this.#at < end) {
      const isMatch = this.#at > 0 && end - this.#at >= 3 && isLikely(random, share)
      tokens.push((isMatch ? this.#match(end) : undefined) ?? this.#literal())
    }
  }

  #literal(): Token {
    const isFilter = this.#filters[this.#at] === 1
    let byte = this.#random(isFilter ? Math.min(5, this.#literals) : this.#literals)
    if (this.#at === this.#badFilter) byte = oneOf(this.#random, [5, 6, 255, 5 + this.#random(251)])
    this.#rows[this.#at] = byte
    this.#at += 1
    return LITERALS[byte] as Token
  }

  /** A match that begins before the rows do: the checksum is right for a reader that takes it and finds zeros there. */
  #tooFar(end: number): Token[] {
    const more = this.#random(2) === 0 ? 1 : sizeOf(this.#random, 1, 300)
    if (this.#at >= MOST_DISTANCE || end - this.#at < 3) return []
    const match = this.#match(end, Math.min(MOST_DISTANCE, this.#at + more))
    return match === undefined ? [] : [match]
  }

  /** Undefined where the one that was thought of would put something else in the place of a filter byte. */
  #match(
    end: number,
    distance = someDistance(Math.min(this.#at, MOST_DISTANCE), this.#rowBytes, this.#random),
  ): Token | undefined {
    const wanted = someLength(end - this.#at, this.#random)
    let length = 0
    for (; length < wanted; length += 1) {
      const at = this.#at + length
      const byte = this.#rows[at - distance] ?? 0
      if (at === this.#badFilter || (this.#filters[at] === 1 && byte > 4)) break
      this.#rows[at] = byte
    }
    if (length < 3) return undefined
    this.#at += length
    return matchOf(length, distance, this.#random)
  }

  /** Puts the fault among the tokens of a block, when it is one that stands there. */
  #insert(tokens: Token[]): void {
    const random = this.#random
    const place = random(1 + tokens.length)
    if (this.#fault === 'stray literal') tokens.splice(place, 0, LITERALS[286 + random(2)] as Token)
    else if (this.#fault === 'stray distance') tokens.splice(place, 0, strayMatch(random))
  }
}

/** Makes the first two bytes wrong, half of the time with their check right. */
function spoilHeader(header: Buffer, random: Random): void {
  const at = random(2)
  header[at] = (header[at] as number) ^ (1 << random(8))
  if (random(2) === 0) return
  header.writeUInt16BE(header.readUInt16BE(0) & ~31)
  header.writeUInt16BE(header.readUInt16BE(0) + ((31 - (header.readUInt16BE(0) % 31)) % 31))
}
