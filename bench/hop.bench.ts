import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { openThreads } from '../codec/threads.ts'
import { loadModule } from '../codec/wasm.ts'
import { MODULE } from '../test/codec/build.ts'
import { encodePng } from '../test/images/encode.ts'
import type { PlainBench } from './bench.ts'
import { ownCpuMs } from './cpu.ts'
import { describeSpread, median, ratios } from './spread.ts'
import { inPieces, ourRecoder, swapWith } from './swap.ts'

const SIDES = [16, 32, 64, 128, 256, 512]
const ROUNDS = 9
/** The first rounds only warm up. */
const WARM_UP = 2
const ROUND_MS = 150

/** CPU time of the process, all threads included, for square pictures with alpha: in a thread, and on the event loop. */
export const hop: PlainBench = {
  question: 'From what size on is it worth handing a swap to a thread?',
  async run(output) {
    const module = loadModule(MODULE)
    if (module === undefined) throw new Error('this machine has no SIMD')
    const entry = join(import.meta.dirname, '../codec/job.js')
    const limits = { maxPixels: 1e8, maxBytes: 1e8 }
    const threads = openThreads({ entry, module, limits, count: 1, limitMs: 60_000 })
    const rows: string[][] = []
    for (const side of SIDES) {
      const file = picture(side)
      const [loops, handed]: [number[], number[]] = [[], []]
      for (let round = -WARM_UP; round < ROUNDS; round += 1) {
        const loop = await msOf(() => swapWith(ourRecoder, file))
        const thread = await msOf(() => buffer(threads.swap(inPieces(file))))
        if (round < 0) continue
        loops.push(loop)
        handed.push(thread)
      }
      rows.push([
        String(side),
        file.length.toLocaleString('en'),
        describeSpread(ratios(handed, loops)),
        median(loops).toFixed(2),
      ])
    }
    await threads.close()
    output.line(`\n${ROUNDS} rounds by turns`)
    output.table(['side', 'file, bytes', 'thread against loop (least to most)', 'loop held up, ms'], rows)
  },
}

/** CPU time of one swap, in ms, over as many as a round holds. */
async function msOf(swap: () => Promise<unknown>): Promise<number> {
  const until = performance.now() + ROUND_MS
  const before = ownCpuMs()
  let count = 0
  for (; performance.now() < until; count += 1) await swap()
  return (ownCpuMs() - before) / count
}

/** A gradient with a little noise, as icons and photographs have it. */
function picture(side: number): Buffer {
  const samples = Uint8Array.from({ length: side * side * 4 }, (_, at) => (at >> 4) * 7 + ((at * at) % 23))
  return encodePng({ width: side, height: side, colourType: 6, bitDepth: 8, samples, filter: 'mixed' })
}
