import { cpus } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { swapRedGreen } from '../codec/swap.ts'
import { openThreads } from '../codec/threads.ts'
import { createWasmRecoder, loadModule } from '../codec/wasm.ts'
import { encodePng } from '../test/images/encode.ts'

/**
 * From what size on is it worth handing a swap to a thread? CPU time of the process, all threads included, for square
 * pictures with alpha: in a thread as a ratio to the event loop, and for how long the event loop is held up by one.
 */
const SIDES = [16, 32, 64, 128, 256, 512]
const ROUNDS = 9
const ROUND_MS = 150

const folder = join(import.meta.dirname, '../codec')
const module = loadModule(join(folder, 'codec.wasm'))
if (module === undefined) throw new Error('this machine has no SIMD')
const limits = { maxPixels: 1e8, maxBytes: 1e8 }
const recoder = createWasmRecoder(module)
const threads = openThreads({ entry: join(folder, 'job.js'), module, limits, count: 1, limitMs: 60_000 })

console.log(`${ROUNDS} rounds, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
console.log('side  file bytes  thread against loop (least to most)  loop held up, ms')
for (const side of SIDES) {
  const file = picture(side)
  const loop = () => buffer(swapRedGreen(once(file), { ...limits, recoder }))
  const thread = () => buffer(threads.swap(once(file)))
  const costs: number[] = []
  const ratios: number[] = []
  for (let round = -2; round < ROUNDS; round += 1) {
    const own = await msOf(loop)
    const handed = await msOf(thread)
    if (round < 0) continue
    costs.push(own)
    ratios.push(handed / own)
  }
  const spread = `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)})`
  console.log(
    `${String(side).padEnd(4)}  ${String(file.length).padEnd(10)}  ${spread.padEnd(35)}  ${median(costs).toFixed(2)}`,
  )
}
await threads.close()

/** CPU time of one swap, in ms, over as many as a round holds. */
async function msOf(swap: () => Promise<Buffer>): Promise<number> {
  const until = performance.now() + ROUND_MS
  const before = process.cpuUsage()
  let count = 0
  for (; performance.now() < until; count += 1) await swap()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / count
}

/** A gradient with a little noise, as icons and photographs have it. */
function picture(side: number): Buffer {
  const samples = Uint8Array.from({ length: side * side * 4 }, (_, at) => (at >> 4) * 7 + ((at * at) % 23))
  return encodePng({ width: side, height: side, colourType: 6, bitDepth: 8, samples, filter: 'mixed' })
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
