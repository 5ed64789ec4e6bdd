import { Codes, DISTANCE_CODES, LITERAL_CODES } from './codes.ts'
import { Matches } from './matches.ts'
import { DISTANCE_SYMBOLS, FIRST_LENGTH, MAX_MATCH, MIN_MATCH, Symbols } from './symbols.ts'
import { Writer } from './writer.ts'

/** By length: its code with its extra bits behind, in 24 bits, and how many bits that are, in 8. */
const LENGTH_WORDS: usize = memory.data(4 * (MAX_MATCH + 1), 16)
/** By distance symbol: the code, in 16 bits, its length, in 8, and that with the extra bits, in 8; and the base, u32 each. */
const DISTANCE_WORDS: usize = memory.data(8 * 32, 16)

/** Writes literals and matches in the present codes, RFC 1951 section 3.2.3. */
export class Tokens {
  /** Writes the exchanged bytes from `from` to `end`, in locals: this is where the time goes. */
  static write(from: usize, end: usize): void {
    Tokens.build()
    let to = Writer.next
    let bits = Writer.bits
    let count = Writer.count
    let at = from
    const last = Matches.end
    for (let match = Matches.first(); ; match += 8) {
      const stop = match < last ? Matches.start(match) : end
      for (; at + 4 <= stop; at += 4) {
        const bytes = load<u32>(at)
        const a = Tokens.literal(bytes << 2)
        const b = Tokens.literal(bytes >> 6)
        const c = Tokens.literal(bytes >> 14)
        const d = Tokens.literal(bytes >> 22)
        const ab = <u64>Codes.codeOf(a) | ((<u64>Codes.codeOf(b)) << (<u64>Codes.bitsOf(a)))
        const cd = <u64>Codes.codeOf(c) | ((<u64>Codes.codeOf(d)) << (<u64>Codes.bitsOf(c)))
        const abBits = <u64>(Codes.bitsOf(a) + Codes.bitsOf(b))
        const cdBits = <u64>(Codes.bitsOf(c) + Codes.bitsOf(d))
        bits |= (ab | (cd << abBits)) << count
        count += abBits + cdBits
        store<u64>(to, bits)
        to += <usize>(count >> 3)
        bits >>= count & 56
        count &= 7
      }
      // The last three without a branch that nobody could foretell.
      const left = <i32>(stop - at)
      const bytes = load<u32>(at)
      const a = select<u32>(Tokens.literal(bytes << 2), 0, left > 0)
      const b = select<u32>(Tokens.literal(bytes >> 6), 0, left > 1)
      const c = select<u32>(Tokens.literal(bytes >> 14), 0, left > 2)
      const ab = <u64>Codes.codeOf(a) | ((<u64>Codes.codeOf(b)) << (<u64>Codes.bitsOf(a)))
      const abBits = <u64>(Codes.bitsOf(a) + Codes.bitsOf(b))
      bits |= (ab | ((<u64>Codes.codeOf(c)) << abBits)) << count
      count += abBits + <u64>Codes.bitsOf(c)
      store<u64>(to, bits)
      to += <usize>(count >> 3)
      bits >>= count & 56
      count &= 7
      if (match >= last) break

      const form = Matches.form(match)
      const length = Matches.length(form)
      const word = load<u32>((<usize>length) << 2, LENGTH_WORDS)
      const symbol = (<usize>Matches.distanceSymbol(form)) << 3
      const distance = load<u32>(symbol, DISTANCE_WORDS)
      const extra = <u64>(Matches.less(form) - load<i32>(symbol, DISTANCE_WORDS + 4))
      const lengthBits = <u64>(word >> 24)
      const far = <u64>(distance & 0xffff) | (extra << (<u64>((distance >> 16) & 0xff)))
      bits |= (<u64>(word & 0xffffff) | (far << lengthBits)) << count
      count += lengthBits + <u64>(distance >> 24)
      store<u64>(to, bits)
      to += <usize>(count >> 3)
      bits >>= count & 56
      count &= 7
      at = stop + <usize>length
    }
    Writer.next = to
    Writer.bits = bits
    Writer.count = count
  }

  /** The code of a byte, which stands from bit 2 on. */
  @inline
  private static literal(bytes: u32): u32 {
    return load<u32>(bytes & 0x3fc, LITERAL_CODES)
  }

  private static build(): void {
    for (let length = MIN_MATCH; length <= MAX_MATCH; length++) {
      const symbol = Symbols.ofLength(length)
      const code = load<u32>((<usize>(FIRST_LENGTH + symbol)) << 2, LITERAL_CODES)
      const codeBits = Codes.bitsOf(code)
      const extra = length - Symbols.lengthBase(symbol)
      const word = Codes.codeOf(code) | (extra << codeBits) | ((codeBits + Symbols.lengthExtra(symbol)) << 24)
      store<u32>((<usize>length) << 2, word, LENGTH_WORDS)
    }
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const code = load<u32>((<usize>symbol) << 2, DISTANCE_CODES)
      const codeBits = Codes.bitsOf(code)
      const all = codeBits + Symbols.distanceExtra(symbol)
      const words = DISTANCE_WORDS + ((<usize>symbol) << 3)
      store<u32>(words, Codes.codeOf(code) | (codeBits << 16) | (all << 24))
      store<u32>(words, Symbols.distanceBase(symbol) - 1, 4)
    }
  }
}
