import { crc32, deflateSync, inflateSync } from 'node:zlib'
import { catalogue } from '../test/images/catalogue.ts'
import { chunk } from '../test/images/chunk.ts'
import type { NamedImage } from '../test/images/encode.ts'
import { createRandom, type Random } from '../test/images/random.ts'
import { corpus, hasCorpus } from '../test/system/corpus.ts'

/** Larger files are left out: a mutant is to be sent a hundred thousand times. */
const MOST_BYTES = 20_000
/** Which share of the bytes is changed, from and to. */
const LEAST_SHARE = 0.0001
const MOST_SHARE = 0.05

export interface Mutants {
  /** How many files there are to begin with, and where they are from. */
  readonly says: string
  /** The mutant of that number: the same whatever was asked for before. */
  mutant(number: number): NamedImage
}

/** Valid files with 0.01 to 5 % of their bytes changed: as they are, with the CRCs put right, or within their rows. */
export function createMutants(seed: number): Mutants {
  const suite = hasCorpus ? corpus('pngsuite').filter(({ name }) => !name.startsWith('x')) : []
  const various = hasCorpus ? corpus('various') : []
  const made = catalogue()
  const valid = [...suite, ...various, ...made].filter(({ bytes }) => bytes.length <= MOST_BYTES)
  const says = hasCorpus
    ? `PngSuite's ${suite.length} and ${valid.length - suite.length} others`
    : `${valid.length} made on the fly (PngSuite is not on this machine)`
  return {
    says,
    mutant(number) {
      const random = createRandom(`mutant ${seed} ${number}`)
      const { name, bytes } = valid[number % valid.length] as NamedImage
      const share = LEAST_SHARE * (MOST_SHARE / LEAST_SHARE) ** (random.next() / 2 ** 32)
      const kind = random.below(3)
      if (kind === 0) return { name: `${name}, bytes`, bytes: scattered(bytes, share, random) }
      if (kind === 1)
        return { name: `${name}, bytes, CRCs put right`, bytes: mended(scattered(bytes, share, random)) }
      return { name: `${name}, rows`, bytes: withRows(bytes, rows => scattered(rows, share, random)) }
    },
  }
}

/** At least one byte is another one. */
function scattered(bytes: Buffer, share: number, random: Random): Buffer {
  const copy = Buffer.from(bytes)
  for (let left = Math.max(1, Math.round(share * copy.length)); left > 0; left -= 1) {
    const at = random.below(copy.length)
    copy[at] = (copy[at] ?? 0) ^ (1 + random.below(255))
  }
  return copy
}

/** With the CRC of every chunk as far as they can be followed. */
function mended(file: Buffer): Buffer {
  for (const { at, end } of chunksOf(file)) file.writeUInt32BE(crc32(file.subarray(at + 4, end - 4)), end - 4)
  return file
}

/** With other rows in its first picture, in one IDAT. */
function withRows(file: Buffer, change: (rows: Buffer) => Buffer): Buffer {
  const data = chunksOf(file).filter(({ at }) => file.toString('latin1', at + 4, at + 8) === 'IDAT')
  const [first] = data
  const last = data.at(-1)
  if (first === undefined || last === undefined) return file
  const rows = inflateSync(Buffer.concat(data.map(({ at, end }) => file.subarray(at + 8, end - 4))))
  const packed = chunk('IDAT', deflateSync(change(rows)))
  return Buffer.concat([file.subarray(0, first.at), packed, file.subarray(last.end)])
}

function chunksOf(file: Buffer): { at: number; end: number }[] {
  const found: { at: number; end: number }[] = []
  for (let at = 8; at + 12 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at)
    if (end > file.length) break
    found.push({ at, end })
    at = end
  }
  return found
}
