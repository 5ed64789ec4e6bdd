import { Codes, DISTANCE_CODES, LITERAL_CODES } from './codes.ts'
import { Matches } from './matches.ts'
import { Repeats } from './repeats.ts'
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
      const stop = match < last ? Repeats.start(match) : end
      for (; at + 4 <= stop; at += 4) {
        const bytes = load<u32>(at)
        const a = Tokens.literal(bytes << 2)
        const b = Tokens.literal(bytes >> 6)
        const c = Tokens.literal(bytes >> 14)
        const d = Tokens.literal(bytes >> 22)
        const ab = Tokens.code(a) | (Tokens.code(b) << (<u64>a))
        const cd = Tokens.code(c) | (Tokens.code(d) << (<u64>c))
        const first = <u64>(a + b)
        bits |= (ab | (cd << first)) << count
        count += (first + <u64>(c + d)) & 0xff
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
      const ab = Tokens.code(a) | (Tokens.code(b) << (<u64>a))
      bits |= (ab | (Tokens.code(c) << (<u64>(a + b)))) << count
      count += <u64>((a + b + c) & 0xff)
      store<u64>(to, bits)
      to += <usize>(count >> 3)
      bits >>= count & 56
      count &= 7
      if (match >= last) break

      const repeat = Repeats.word(match)
      const length = Repeats.length(repeat)
      const word = load<u32>((<usize>length) << 2, LENGTH_WORDS)
      const symbol = (<usize>Repeats.symbol(Repeats.reference(repeat))) << 3
      const distance = load<u32>(symbol, DISTANCE_WORDS)
      const extra = <u64>(Repeats.less(repeat) - load<i32>(symbol, DISTANCE_WORDS + 4))
      const far = <u64>(distance >> 16) | (extra << (<u64>distance))
      bits |= (Tokens.code(word) | (far << (<u64>word))) << count
      count += <u64>((word & 0xff) + ((distance >> 8) & 0xff))
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

  @inline
  private static code(entry: u32): u64 {
    return <u64>(entry >> 8)
  }

  private static build(): void {
    for (let length = MIN_MATCH; length <= MAX_MATCH; length++) {
      const symbol = Symbols.ofLength(length)
      const code = load<u32>((<usize>(FIRST_LENGTH + symbol)) << 2, LITERAL_CODES)
      const codeBits = Codes.bitsOf(code)
      const extra = length - Symbols.lengthBase(symbol)
      const word =
        ((Codes.codeOf(code) | (extra << codeBits)) << 8) | (codeBits + Symbols.lengthExtra(symbol))
      store<u32>((<usize>length) << 2, word, LENGTH_WORDS)
    }
    for (let symbol = 0; symbol < DISTANCE_SYMBOLS; symbol++) {
      const code = load<u32>((<usize>symbol) << 2, DISTANCE_CODES)
      const codeBits = Codes.bitsOf(code)
      const all = codeBits + Symbols.distanceExtra(symbol)
      const words = DISTANCE_WORDS + ((<usize>symbol) << 3)
      store<u32>(words, (Codes.codeOf(code) << 16) | (all << 8) | codeBits)
      store<u32>(words, Symbols.distanceBase(symbol) - 1, 4)
    }
  }
}
