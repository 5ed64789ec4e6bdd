import { crc32 } from 'node:zlib'

/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** 0 to 2^32-1. */
  next(): number
  /** 0 to limit-1. */
  below(limit: number): number
  /** That many bytes of noise. */
  bytes(length: number): Buffer
}

/** `seed` is any number or text. The state is a counter in golden-ratio steps, its bits mixed on the way out. */
export function createRandom(seed: number | string): Random {
  let state = crc32(String(seed))
  const next = () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x45d9f3b5)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
    return (mixed ^ (mixed >>> 13)) >>> 0
  }
  return {
    next,
    below: limit => Math.floor((next() / 2 ** 32) * limit),
    bytes: length => {
      const words = new Uint32Array(Math.ceil(length / 4))
      for (let i = 0; i < words.length; i++) words[i] = next()
      return Buffer.from(words.buffer, 0, length)
    },
  }
}
