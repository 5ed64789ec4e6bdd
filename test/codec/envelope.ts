import type { Random } from './chance.ts'

/** Adler-32 (RFC 1950 section 8.2), written apart from the code under test. */
export function adlerOf(bytes: Uint8Array): number {
  let sum = 1
  let sums = 0
  for (let at = 0; at < bytes.length; ) {
    // So many bytes keep both sums within 32 bits.
    const end = Math.min(bytes.length, at + 3_000)
    for (; at < end; at += 1) {
      sum += bytes[at] as number
      sums += sum
    }
    sum %= 65_521
    sums %= 65_521
  }
  return sums * 65_536 + sum
}

/** CMF and FLG of any window and effort (section 2.2): whatever they say, matches may reach back 32 KB. */
export function headerOf(random: Random): Buffer {
  const method = 8 | ((random(2) === 0 ? 7 : random(8)) << 4)
  const flags = random(4) << 6
  return Buffer.from([method, flags | ((31 - ((method * 256 + flags) % 31)) % 31)])
}

/** A raw stream of these rows as a zlib stream. */
export function enveloped(deflated: Uint8Array, rows: Uint8Array, random: Random): Buffer {
  const adler = Buffer.alloc(4)
  adler.writeUInt32BE(adlerOf(rows))
  return Buffer.concat([headerOf(random), deflated, adler])
}
