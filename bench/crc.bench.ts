import { crc32 } from 'node:zlib'
import { percentile } from '../faults/percentile.ts'
import type { PlainBench } from './bench.ts'
import { ourRecoder } from './swap.ts'

const SIZES = [32, 256, 512, 1_024, 8_192, 65_536]
const ROUNDS = 401
/** The first rounds only warm up. */
const WARM_UP = 50
/** Bytes a turn: long against the clock, short against what else the machine does. */
const ROUND_BYTES = 1 << 19
/** A call costs as much as some bytes: small pieces would make a turn long. */
const CALL_BYTES = 256

/** Copying the bytes into the module included, for pieces from a small chunk to a full one; the two take turns. */
export const crc: PlainBench = {
  question: "How fast is the module's CRC-32 against node:zlib's?",
  async run(output) {
    output.line(`\n${ROUNDS} rounds by turns; in brackets between what half of them lie`)
    output.table(['bytes', 'throughput against node:zlib'], SIZES.map(rowOf))
  },
}

function rowOf(size: number): string[] {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * at * 7) >> 3)
  const ratios: number[] = []
  for (let round = -WARM_UP; round < ROUNDS; round += 1) {
    const ratio = nsOf(crc32, bytes) / nsOf(ourRecoder.crc32, bytes)
    if (round >= 0) ratios.push(ratio)
  }
  const [low, middle, high] = [0.25, 0.5, 0.75].map(share => percentile(ratios, share).toFixed(2))
  return [size.toLocaleString('en'), `${middle} (${low} to ${high})`]
}

/** Time of one turn, in ns. */
function nsOf(sum: (bytes: Uint8Array, before?: number) => number, bytes: Uint8Array): number {
  const calls = Math.ceil(ROUND_BYTES / (bytes.length + CALL_BYTES))
  const start = process.hrtime.bigint()
  let crc = 0
  for (let call = 0; call < calls; call += 1) crc = sum(bytes, crc)
  return Number(process.hrtime.bigint() - start)
}
