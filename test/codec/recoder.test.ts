import { deflateSync, inflateSync } from 'node:zlib'
import t from 'tap'
import type { Header } from '../../codec/header.ts'
import { layoutOf } from '../../codec/layout.ts'
import { createZlibRecoder } from '../../codec/zlib.ts'
import { inPieces, rowsOf } from './build.ts'

const header: Header = { width: 5, height: 5, bitDepth: 8, colourType: 2, interlaced: false }

t.test('a layout tells rows, bytes and passes', async t => {
  t.same(layoutOf(header), {
    width: 5,
    height: 5,
    sampleBytes: 1,
    pixelBytes: 3,
    passes: [{ width: 5, height: 5, rowBytes: 16 }],
    inflatedBytes: 80,
  })
  const bits = layoutOf({ ...header, bitDepth: 1, colourType: 0 }, { width: 9, height: 2 })
  t.same([bits.pixelBytes, bits.inflatedBytes], [1, 6])
  const deep = layoutOf({ ...header, bitDepth: 16, colourType: 6 })
  t.same([deep.pixelBytes, deep.sampleBytes, deep.inflatedBytes], [8, 2, 5 * 41])
})

t.test('a layout of an interlaced image leaves passes without pixels out, at every small size', async t => {
  const grid = [
    '16462646',
    '77777777',
    '56565656',
    '77777777',
    '36463646',
    '77777777',
    '56565656',
    '77777777',
  ]
  for (let width = 1; width <= 9; width += 1) {
    for (let height = 1; height <= 9; height += 1) {
      const counts = new Map<string, number>()
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1) {
          const pass = grid[y % 8]?.[x % 8] ?? ''
          counts.set(pass, (counts.get(pass) ?? 0) + 1)
        }
      }
      const { passes } = layoutOf({ ...header, width, height, interlaced: true })
      const expected = [...counts].sort(([a], [b]) => a.localeCompare(b)).map(([, pixels]) => pixels)
      t.same(
        passes.map(pass => pass.width * pass.height),
        expected,
        `${width} x ${height}`,
      )
    }
  }
})

t.test('any two channels can be exchanged, at any level', async t => {
  const rows = Buffer.from([0, 1, 2, 3, 4, 4, 5, 6, 7, 8])
  const layout = layoutOf({ ...header, width: 1, height: 2, colourType: 6 })
  for (const level of [1, 4, 9]) {
    const parts: Buffer[] = []
    const zlib = inPieces(deflateSync(rows), 2)
    for await (const part of createZlibRecoder({ level }).recode(layout, [1, 3], zlib)) parts.push(part)
    t.same([...inflateSync(Buffer.concat(parts))], [0, 1, 4, 3, 2, 4, 5, 8, 7, 6])
  }
})

t.test('verifying passes the stream on as it was, empty pieces included', async t => {
  for (const size of [5, 500]) {
    const layout = layoutOf({ ...header, width: size, height: size })
    const zlib = deflateSync(rowsOf(size, 3 * size))
    async function* source() {
      yield Buffer.alloc(0)
      yield* inPieces(zlib, 7000)
      yield Buffer.alloc(0)
    }
    const parts: Uint8Array[] = []
    for await (const part of createZlibRecoder().verify(layout, source())) parts.push(part)
    t.same(Buffer.concat(parts), zlib)
    t.equal(parts.at(-1)?.length, 0)
  }
})
