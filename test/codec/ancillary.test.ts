import { deflateSync } from 'node:zlib'
import t from 'tap'
import { chunkOf, chunksOf, damaged, png, rowsOf, swap } from './build.ts'

const CHANNELS: Record<number, number> = { 2: 3, 3: 1, 6: 4 }
const PALETTE = chunkOf('PLTE', Buffer.from([1, 2, 3]))

/**
 * The chunks of the result of a small image of the type with `extra` before its IDAT, without those it always
 * has.
 */
async function resultOf(colourType: number, ...extra: Buffer[]): Promise<Buffer[]> {
  const idat = chunkOf('IDAT', deflateSync(rowsOf(1, CHANNELS[colourType] ?? 1)))
  const palette = colourType === 3 ? [PALETTE] : []
  const result = await swap(png({ width: 1, height: 1, colourType }, ...palette, ...extra, idat))
  const chunks = chunksOf(result).slice(colourType === 3 ? 2 : 1, -2)
  return chunks.map(({ type, data }) => chunkOf(type, data))
}

const bytes = (...values: number[]) => Buffer.from(values)

t.test('chunks that still hold are kept byte for byte and in their order', async t => {
  const types =
    'iCCP gAMA cHRM sRGB cICP mDCV cLLI eXIf tEXt zTXt iTXt pHYs tIME hIST oFFs pCAL sCAL sTER prVt xxXx'.split(
      ' ',
    )
  const chunks = types.map(type => chunkOf(type, Buffer.from(`data of ${type}`)))
  for (const colourType of [2, 3, 6])
    t.same(await resultOf(colourType, ...chunks), chunks, `type ${colourType}`)
})

t.test('chunks that the change may make false are dropped', async t => {
  const chunks = ['iDOT', 'caBX', 'dSIG', 'prVT', 'fcTL', 'fdAT'].map(type => chunkOf(type, Buffer.alloc(30)))
  for (const colourType of [2, 3, 6]) t.same(await resultOf(colourType, ...chunks), [], `type ${colourType}`)
})

t.test('an ancillary chunk with a wrong CRC is dropped', async t => {
  const good = chunkOf('gAMA', bytes(0, 0, 1, 2))
  const bad = [
    damaged(chunkOf('tEXt', bytes(1))),
    damaged(chunkOf('iDOT', bytes(1))),
    damaged(chunkOf('acTL')),
  ]
  t.same(await resultOf(2, ...bad, good), [good])
})

t.test('chunks that name red and green are exchanged with them', async t => {
  const six = bytes(1, 2, 3, 4, 5, 6)
  const sixAfter = bytes(3, 4, 1, 2, 5, 6)
  const splt = (depth: number, ...entries: number[]) =>
    chunkOf('sPLT', Buffer.from('name\0'), bytes(depth, ...entries))
  const cases: [colourType: number, before: Buffer, after: Buffer][] = [
    [2, chunkOf('PLTE', bytes(1, 2, 3, 4, 5, 6)), chunkOf('PLTE', bytes(2, 1, 3, 5, 4, 6))],
    [6, chunkOf('PLTE', bytes(1, 2, 3)), chunkOf('PLTE', bytes(2, 1, 3))],
    [2, chunkOf('tRNS', six), chunkOf('tRNS', sixAfter)],
    [2, chunkOf('bKGD', six), chunkOf('bKGD', sixAfter)],
    [6, chunkOf('bKGD', six), chunkOf('bKGD', sixAfter)],
    [2, chunkOf('sBIT', bytes(5, 6, 7)), chunkOf('sBIT', bytes(6, 5, 7))],
    [3, chunkOf('sBIT', bytes(5, 6, 7)), chunkOf('sBIT', bytes(6, 5, 7))],
    [6, chunkOf('sBIT', bytes(5, 6, 7, 8)), chunkOf('sBIT', bytes(6, 5, 7, 8))],
    [2, splt(8), splt(8)],
    [3, splt(8, 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16), splt(8, 2, 1, 3, 4, 5, 6, 12, 11, 13, 14, 15, 16)],
    [6, splt(16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10), splt(16, 3, 4, 1, 2, 5, 6, 7, 8, 9, 10)],
  ]
  for (const [colourType, before, after] of cases) t.same(await resultOf(colourType, before), [after])
})

t.test('what a palette image says by index stays', async t => {
  const chunks = [chunkOf('tRNS', bytes(7)), chunkOf('bKGD', bytes(0)), chunkOf('hIST', bytes(0, 1))]
  t.same(await resultOf(3, ...chunks), chunks)
})

t.test('a chunk that names red and green and has a wrong length is dropped', async t => {
  const malformed = (type: string, length: number) => chunkOf(type, Buffer.alloc(length, 8))
  t.same(await resultOf(2, malformed('tRNS', 5), malformed('bKGD', 7), malformed('sBIT', 4)), [])
  t.same(await resultOf(6, malformed('tRNS', 6), malformed('bKGD', 2), malformed('sBIT', 3)), [])
  const splt = (...parts: (string | number[])[]) =>
    chunkOf('sPLT', ...parts.map(part => Buffer.from(part as string)))
  t.same(
    await resultOf(
      3,
      splt(),
      splt('no end'),
      splt('name\0'),
      splt('name\0', [4]),
      splt('name\0', [8, 1, 2, 3, 4, 5]),
      splt('name\0', [16, 1, 2, 3, 4, 5, 6]),
      splt('\0', [8]),
      splt('n'.repeat(80), [0, 8]),
    ),
    [],
  )
})
