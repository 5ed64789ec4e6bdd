import { cpus } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { createWasmRecoder, loadModule } from '../codec/wasm.ts'

/**
 * How fast is the module's CRC-32, copying the bytes into the module included, against node:zlib's? Throughput as a ratio
 * to node:zlib's, for pieces from a small chunk to a full one; the two take turns in one run.
 */
const SIZES = [32, 256, 512, 1_024, 8_192, 65_536]
const ROUNDS = 401
/** Bytes a turn: long against the clock, short against what else the machine does. */
const ROUND_BYTES = 1 << 19
/** A call costs as much as some bytes: small pieces would make a turn long. */
const CALL_BYTES = 256

const module = loadModule(join(import.meta.dirname, '../codec/codec.wasm'))
if (module === undefined) throw new Error('this machine has no SIMD')
const recoder = createWasmRecoder(module)

console.log(`${ROUNDS} rounds, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
console.log('bytes   throughput against node:zlib (half of the rounds)')
for (const size of SIZES) {
  const bytes = Uint8Array.from({ length: size }, (_, at) => (at * at * 7) >> 3)
  const ratios: number[] = []
  // The first rounds only warm up.
  for (let round = -50; round < ROUNDS; round += 1) {
    const ratio = nsOf(crc32, bytes) / nsOf(recoder.crc32, bytes)
    if (round >= 0) ratios.push(ratio)
  }
  const [low, middle, high] = [0.25, 0.5, 0.75].map(share => quantile(ratios, share).toFixed(2))
  console.log(`${String(size).padEnd(6)}  ${middle} (${low} to ${high})`)
}

/** Time of one turn, in ns. */
function nsOf(sum: (bytes: Uint8Array, before?: number) => number, bytes: Uint8Array): number {
  const calls = Math.ceil(ROUND_BYTES / (bytes.length + CALL_BYTES))
  const start = process.hrtime.bigint()
  let crc = 0
  for (let call = 0; call < calls; call += 1) crc = sum(bytes, crc)
  return Number(process.hrtime.bigint() - start)
}

function quantile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
}
