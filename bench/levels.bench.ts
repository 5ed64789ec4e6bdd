import { createZlibRecoder } from '../codec/zlib.ts'
import type { PlainBench } from './bench.ts'
import { openSet } from './pictures.ts'
import { describeSpread, median } from './spread.ts'
import { swapWith, timed } from './swap.ts'

const LEVELS = [1, 4, 6, 9]
const ROUNDS = 5

/** CPU time of the whole process a picture, and size of the result; all levels take turns, picture by picture. */
export const levels: PlainBench = {
  question: 'What does each level of node:zlib cost the swap, and what does it save?',
  async run(output, folder) {
    const { pictures, origin } = openSet('photographs', folder)
    const all = LEVELS.map(level => ({ level, ms: [] as number[], size: 0 }))
    for (let round = 0; round < ROUNDS; round += 1) {
      const took = LEVELS.map(() => 0)
      for (const { bytes } of pictures) {
        for (const [at, one] of all.entries()) {
          const recoder = createZlibRecoder({ level: one.level })
          const { cpuMs, result } = await timed(() => swapWith(recoder, bytes))
          took[at] = (took[at] ?? 0) + cpuMs
          if (round === 0) one.size += (result?.length ?? Number.NaN) / bytes.length / pictures.length
        }
      }
      for (const [at, ms] of took.entries()) all[at]?.ms.push(ms / pictures.length)
    }
    const base = median(all[0]?.ms ?? [])
    output.line(`\n${pictures.length} photographs ${origin}, ${ROUNDS} rounds by turns`)
    output.table(
      ['level', 'CPU against level 1 (least to most)', 'size against the upload'],
      all.map(({ level, ms, size }) => [
        String(level),
        describeSpread(ms.map(one => one / base)),
        size.toFixed(3),
      ]),
    )
  },
}
