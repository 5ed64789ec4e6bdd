import { swapFiltered } from './filtered.ts'
import type { Output } from './output.ts'
import { openSet } from './pictures.ts'
import { median } from './spread.ts'
import { timed } from './swap.ts'

/** What inflating a photograph, exchanging its rows and deflating them at level 1 took where the goals were set, in ms of CPU. */
const GOALS_MS = 15.5
/** The first only warms up. */
const PASSES = 6

/**
 * How fast this machine is beside the one that goals in seconds were set on: zlib alone, which is of the project's making nowhere.
 * Services wait for caches and wake each other up besides, so their times need not grow by as much.
 */
export async function printPace(output: Output, folder: string): Promise<void> {
  const { pictures, origin } = openSet('photographs', folder)
  const passes: number[] = []
  for (let pass = 0; pass < PASSES; pass += 1) {
    let sum = 0
    for (const { bytes } of pictures) sum += (await timed(() => swapFiltered(bytes, { level: 1 }))).cpuMs
    if (pass > 0) passes.push(sum / pictures.length)
  }
  const foundMs = median(passes)
  output.line(
    `zlib's level 1 takes ${foundMs.toFixed(1)} ms of CPU for a photograph ${origin}: ${(foundMs / GOALS_MS).toFixed(2)} of the ${GOALS_MS} ms that it took where the goals of this bench were set.`,
  )
}
