import { cpus } from 'node:os'
import { openSystem, type SystemOptions } from '../test/system/system.ts'
import { besideIt } from './bare/row.ts'
import { formsOf } from './forms.ts'
import type { Shape } from './load.ts'
import type { Output } from './output.ts'
import { openSet, type Picture } from './pictures.ts'
import { printOutcomes, printPair, ROUNDS_ALONE, type Row, runPair, runRow } from './row.ts'
import { median } from './spread.ts'
import { ourRecoder, swapWith, timed } from './swap.ts'

/** How often each picture is swapped in a row, the first time only to warm up. */
const PASSES = 4
export const fastPhotographs: Shape = {
  says: 'photographs, 8 as fast as they can',
  lanes: 8,
  isClosed: false,
  // Before that a fifth of the CPU time goes to compiling what streams.
  before: 1_000,
  pictures: 960,
}

export function photographRow(
  pictures: readonly Picture[],
  shape = fastPhotographs,
  options: SystemOptions = {},
): Row {
  return { shape, form: formsOf(pictures), open: dataDir => openSystem({ ...options, dataDir }) }
}

/**
 * Photographs through all services, and what of their CPU time goes to pixels: what the swap of the same pictures takes alone in
 * this process, before each round. The rest is the way; pixels alone set the roof.
 */
export async function printPhotographs(output: Output, folder: string): Promise<void> {
  const { pictures, origin } = openSet('photographs', folder)
  const pixelMs: number[] = []
  const row = photographRow(pictures)
  const open = async (dataDir: string) => {
    pixelMs.push(await swapMs(pictures))
    return row.open(dataDir)
  }
  const outcome = await runRow({ ...row, open }, folder, ROUNDS_ALONE)
  const pair = await runPair([row, besideIt(row)], folder)
  // Each time was as good or bad for the pixels as for the way.
  const besideMs = outcome.cpuMs.map((ms, round) => ms - (pixelMs[round] ?? Number.NaN))
  const [all, pixels] = [median(outcome.cpuMs), median(pixelMs)]
  output.line(`${pictures.length} different ones ${origin}\n`)
  printOutcomes(output, [outcome])
  printPair(output, pair)
  const roof = ((1_000 / pixels) * cpus().length).toFixed(0)
  output.line(
    `Of ${all.toFixed(1)} ms a picture ${pixels.toFixed(1)} go to its pixels (${((100 * pixels) / all).toFixed(0)} %), the swap alone: ${cpus().length} cores that did nothing else would make ${roof} a second.\n`,
  )
  output.goal({ says: 'rate', unit: 'a second', found: median(outcome.rates), least: 85 })
  output.goal({ says: 'CPU a picture beside its pixels', unit: 'ms', found: median(besideMs), most: 10 })
}

/** CPU time of the swap, in ms a picture. */
async function swapMs(pictures: readonly Picture[]): Promise<number> {
  const passes: number[] = []
  for (let pass = 0; pass < PASSES; pass += 1) {
    let sum = 0
    for (const { bytes } of pictures) sum += (await timed(() => swapWith(ourRecoder, bytes))).cpuMs
    if (pass > 0) passes.push(sum / pictures.length)
  }
  return median(passes)
}
