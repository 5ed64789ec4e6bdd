import { constants, type ZlibOptions } from 'node:zlib'
import { putTogether, rowsOf, swapFiltered, takeApart } from './filtered.ts'
import type { Output } from './output.ts'
import type { Picture } from './pictures.ts'
import { turnOf } from './race.ts'
import { ourRecoder, swapWith, timed } from './swap.ts'

/** Ways to compress badly, all within the format. */
const WAYS: readonly (readonly [string, ZlibOptions])[] = [
  ['level 0', { level: 0 }],
  ['level 1', { level: 1 }],
  ['Huffman only', { strategy: constants.Z_HUFFMAN_ONLY }],
  ['runs only', { strategy: constants.Z_RLE }],
  ['fixed codes', { strategy: constants.Z_FIXED }],
  ['window of 512 bytes', { windowBits: 9 }],
]

const ROUNDS = 3

/** A result against that of level 1, from the same upload. */
interface Against {
  /** The picture's name. */
  readonly name: string
  readonly size: number
  readonly cpu: number
}

/** How the swap bears what other compressors did badly: each picture compressed anew in each way, against zlib level 1. */
export async function printRecompressed(output: Output, pictures: readonly Picture[]): Promise<void> {
  const all: Against[] = []
  const rows: string[][] = []
  for (const [name, options] of WAYS) {
    const found: Against[] = []
    for (const picture of pictures) {
      const parts = takeApart(picture.bytes)
      found.push(await compare({ ...picture, bytes: putTogether(parts, rowsOf(parts), options) }))
    }
    rows.push([name, ...figures(found, 'size'), ...figures(found, 'cpu')])
    all.push(...found)
  }
  output.table(['input', 'size, mean', 'size, worst', 'CPU, mean', 'CPU, worst'], rows)
  const worst = (figure: 'size' | 'cpu') => Math.max(...all.map(against => against[figure]))
  output.goal({ says: 'worst size against level 1', found: worst('size'), most: 1 })
  output.goal({ says: 'worst CPU time against level 1', found: worst('cpu'), most: 1.5 })
}

/** The least of several rounds, by turns: noise only ever adds. */
async function compare(picture: Picture): Promise<Against> {
  const ours = { ms: Number.POSITIVE_INFINITY, bytes: 0 }
  const levelOne = { ms: Number.POSITIVE_INFINITY, bytes: 0 }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [best, run] of [
      [levelOne, ({ bytes }: Picture) => timed(() => swapFiltered(bytes, { level: 1 }))],
      [ours, ({ bytes }: Picture) => timed(() => swapWith(ourRecoder, bytes))],
    ] as const) {
      const { cpuMs, result } = await turnOf({ swap: run }, picture)
      best.ms = Math.min(best.ms, cpuMs)
      best.bytes = result?.length ?? 0
    }
  }
  return { name: picture.name, size: ours.bytes / levelOne.bytes, cpu: ours.ms / levelOne.ms }
}

/** Mean and worst, with the name of the picture that was the worst. */
function figures(found: readonly Against[], figure: 'size' | 'cpu'): string[] {
  const mean = found.reduce((sum, against) => sum + against[figure], 0) / found.length
  const worst = found.reduce((one, other) => (other[figure] > one[figure] ? other : one))
  return [mean.toFixed(2), `${worst[figure].toFixed(2)} (${worst.name})`]
}
