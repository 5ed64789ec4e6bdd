import { crc32, deflateSync } from 'node:zlib'
import t from 'tap'
import { chunkOf, png, randomOf, refusalOf, rowsOf, uint32 } from './build.ts'

const MUTANTS = 300
const text = chunkOf('tEXt', Buffer.from('Title\0mutant'))
const idat = (rows: Buffer) => chunkOf('IDAT', deflateSync(rows))
const fcTL = (sequence: number) => chunkOf('fcTL', uint32(sequence, 8, 6, 0, 0), Buffer.alloc(6))
const frame = deflateSync(rowsOf(6, 32, 3))

const SEEDS: readonly Buffer[] = [
  png({ width: 8, height: 6 }, text, idat(rowsOf(6, 24))),
  png({ width: 8, height: 6, bitDepth: 16, colourType: 6 }, idat(rowsOf(6, 64)), text),
  png({ width: 8, height: 6, colourType: 3 }, chunkOf('PLTE', Buffer.alloc(24, 5)), idat(rowsOf(6, 8))),
  png({ width: 8, height: 6, colourType: 0 }, text, idat(rowsOf(6, 8))),
  png(
    { width: 8, height: 6, colourType: 6 },
    chunkOf('acTL', uint32(2, 0)),
    fcTL(0),
    idat(rowsOf(6, 32)),
    fcTL(1),
    chunkOf('fdAT', uint32(2), frame.subarray(0, 50)),
    chunkOf('fdAT', uint32(3), frame.subarray(50)),
  ),
]

/**
 * Changes, cuts out, doubles or cuts off bytes; half of the time the CRCs are put right again, to get further
 * in.
 */
function mutantOf(seed: Buffer, random: (below: number) => number): Buffer {
  let file = Buffer.from(seed)
  for (let changes = 1 + random(3); changes > 0 && file.length > 0; changes -= 1) {
    const at = random(file.length)
    const count = random(40)
    const kind = random(8)
    if (kind < 5) file[at] = random(256)
    else if (kind === 5) file = Buffer.concat([file.subarray(0, at), file.subarray(at + count)])
    else if (kind === 6) file = Buffer.concat([file.subarray(0, at), file.subarray(Math.max(0, at - count))])
    else file = file.subarray(0, at)
  }
  if (random(2) === 1) mendCrcs(file)
  return file
}

function mendCrcs(file: Buffer): void {
  for (let at = 8; at + 12 <= file.length; ) {
    const end = at + 12 + file.readUInt32BE(at)
    if (end > file.length) return
    file.writeUInt32BE(crc32(file.subarray(at + 4, end - 4)), end - 4)
    at = end
  }
}

t.test('no mutant of a good file hangs or fails with anything but a refusal', async t => {
  const random = randomOf(20240607)
  const verdicts = new Map<string, number>()
  for (let number = 0; number < MUTANTS; number += 1) {
    const seed = SEEDS[number % SEEDS.length] as Buffer
    const verdict = (await refusalOf(mutantOf(seed, random))).split(':')[0] ?? ''
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
  }
  t.same([...verdicts.keys()].sort(), ['accepted', 'broken', 'not-a-png', 'too-large'])
})
