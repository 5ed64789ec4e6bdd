import { cpus } from 'node:os'
import { swapRedGreen } from '../codec/swap.ts'
import { createZlibRecoder } from '../codec/zlib.ts'
import { encodePng } from '../test/images/encode.ts'
import { corpus, hasCorpus } from '../test/system/corpus.ts'

/**
 * What does each level of node:zlib cost the swap, and what does it save? CPU time of the whole process a picture, and
 * size of the result against the upload: photographs where the corpus lies beside the project, else a smooth picture made
 * on the fly. All levels take turns, picture by picture, in one run; the figures are ratios to level 1.
 */
const LEVELS = [1, 4, 6, 9]
const ROUNDS = 5

const pictures = hasCorpus ? corpus('kodak').map(({ bytes }) => bytes) : [smooth()]
const costs = new Map(LEVELS.map(level => [level, { ms: [] as number[], ratio: 0 }]))

for (let round = 0; round < ROUNDS; round += 1) {
  const took = new Map(LEVELS.map(level => [level, 0]))
  for (const picture of pictures) {
    for (const level of LEVELS) {
      const before = process.cpuUsage()
      let length = 0
      const options = { recoder: createZlibRecoder({ level }), maxPixels: 1e8, maxBytes: 1e8 }
      for await (const piece of swapRedGreen(inPieces(picture), options)) length += piece.length
      const { user, system } = process.cpuUsage(before)
      took.set(level, (took.get(level) ?? 0) + (user + system) / 1_000)
      const cost = costs.get(level)
      if (cost !== undefined && round === 0) cost.ratio += length / picture.length / pictures.length
    }
  }
  for (const [level, ms] of took) costs.get(level)?.ms.push(ms / pictures.length)
}

const base = median(costs.get(1)?.ms ?? [])
console.log(
  `${pictures.length} pictures, ${ROUNDS} rounds, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`,
)
console.log('level  CPU against level 1 (least to most)  size against the upload')
for (const [level, { ms, ratio }] of costs) {
  const [least = 0, most = 0] = [Math.min(...ms) / base, Math.max(...ms) / base]
  const spread = `${(median(ms) / base).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`
  console.log(`${String(level).padEnd(5)}  ${spread.padEnd(35)}  ${ratio.toFixed(3)}`)
}

async function* inPieces(picture: Buffer) {
  for (let at = 0; at < picture.length; at += 65_536) yield picture.subarray(at, at + 65_536)
}

function smooth(): Buffer {
  const side = 768
  const samples = Uint8Array.from(
    { length: side * side * 3 },
    (_, at) => 128 + 100 * Math.sin(at / 97) + (at % 7),
  )
  return encodePng({ width: side, height: side, colourType: 2, bitDepth: 8, samples, filter: 'mixed' })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
