import { execFileSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { hashOfRows, writeLargePicture } from './large-picture.ts'
import type { LargeSwap } from './large-swap.ts'
import type { Output } from './output.ts'
import { describeSpread, ratios } from './spread.ts'

const ROUNDS = 2
const MEGABYTE = 1e6
const WAYS = { ours: 'this codec', zlib: 'node:zlib, level 1' } as const
type Way = keyof typeof WAYS

/** 100 megapixels, file to file, each swap in a process of its own: what memory does it take, and what time? */
export async function printLarge(output: Output, folder: string): Promise<void> {
  const from = join(folder, 'large.png')
  const to = join(folder, 'swapped.png')
  const expected = await writeLargePicture(from)
  const bytes = statSync(from).size
  const costs = { ours: [] as LargeSwap[], zlib: [] as LargeSwap[] }
  const sizes = { ours: 0, zlib: 0 }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const way of ['zlib', 'ours'] as const) {
      costs[way].push(swapAlone(way, from, to))
      if (round > 0) continue
      if ((await hashOfRows(to)) !== expected) throw new Error(`${WAYS[way]} gave other pixels`)
      sizes[way] = statSync(to).size
    }
  }
  const cpu = (way: Way) => costs[way].map(({ cpuMs }) => cpuMs)
  const peak = (way: Way) => Math.max(...costs[way].map(({ peakBytes }) => peakBytes)) / MEGABYTE
  const rows = (['zlib', 'ours'] as const).map(way => [
    WAYS[way],
    describeSpread(ratios(cpu(way), cpu('zlib'))),
    `${peak(way).toFixed(0)} MB`,
    (sizes[way] / bytes).toFixed(3),
  ])
  output.line(`10000 x 10000 pixels in a file of ${(bytes / MEGABYTE).toFixed(0)} MB, ${ROUNDS} rounds`)
  output.table(
    ['', `CPU against ${WAYS.zlib} (least to most)`, 'most resident memory', 'size against the upload'],
    rows,
  )
  output.goal({ says: 'most resident memory', unit: 'MB', found: peak('ours'), most: 100 })
}

function swapAlone(way: Way, from: string, to: string): LargeSwap {
  const program = join(import.meta.dirname, 'large-swap.js')
  // Started by bash, which is small: a process begins with the most memory of the one that it was forked from.
  const script = ['-c', '"$@" && true', 'bash', process.execPath, program, way, from, to]
  return JSON.parse(execFileSync('bash', script, { encoding: 'utf8' })) as LargeSwap
}
