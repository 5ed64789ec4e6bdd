import { constants, deflateSync, type ZlibOptions } from 'node:zlib'
import t from 'tap'
import { readHeader } from '../../codec/header.ts'
import { layoutOf } from '../../codec/layout.ts'
import { photograph, screenshot } from '../images/scene.ts'
import { rowsIn, wasmRecoder } from './build.ts'
import { chanceOf } from './chance.ts'
import { filterPlaces } from './picture.ts'
import { exchanged, recode } from './verdict.ts'

/** Ways to compress badly. */
const WAYS: readonly ZlibOptions[] = [
  { level: 0 },
  { level: 1 },
  { strategy: constants.Z_HUFFMAN_ONLY },
  { strategy: constants.Z_RLE },
  { strategy: constants.Z_FIXED },
  { windowBits: 9 },
]
/** What the first 64 KB may cost, whose hints are tried before anything is known. */
const LEARNING = 0.05
const CHANNELS = [0, 1] as const

t.test('of badly compressed rows the module makes no more than zlib at level 1', async t => {
  const recoder = wasmRecoder()
  for (const [name, file] of [
    ['a photograph', photograph(1)],
    ['a screenshot', screenshot(1)],
  ] as const) {
    const layout = layoutOf(readHeader(file, { maxPixels: 1e7 }))
    const rows = rowsIn(file)
    const levelOne = deflateSync(exchanged(rows, layout, CHANNELS), { level: 1 }).length
    for (const way of WAYS) {
      const zlib = deflateSync(rows, way)
      const { bytes } = await recode(recoder, { layout, channels: CHANNELS, zlib, pieces: [zlib] })
      const share = (bytes?.length ?? Number.NaN) / levelOne
      t.ok(share <= 1, `${name}, ${JSON.stringify(way)}: ${share.toFixed(3)} of level 1`)
    }
  }
})

t.test('where no match survives the exchange, others are found', async t => {
  const recoder = wasmRecoder()
  const layout = layoutOf({ width: 400, height: 2000, bitDepth: 8, colourType: 2, interlaced: false })
  // Words of nine bytes that stand anywhere in a pixel: the exchange makes three of each.
  const random = chanceOf(1, 0)
  const words = Array.from({ length: 40 }, () => Buffer.from(Array.from({ length: 9 }, () => random(256))))
  const rows = Buffer.alloc(layout.inflatedBytes)
  for (let at = 0; at < rows.length; at += 9 + random(2)) words[random(40)]?.copy(rows, at)
  for (const place of filterPlaces(layout)) rows[place] = 0
  const zlib = deflateSync(rows)
  const { bytes } = await recode(recoder, { layout, channels: CHANNELS, zlib, pieces: [zlib] })
  const share =
    (bytes?.length ?? Number.NaN) / deflateSync(exchanged(rows, layout, CHANNELS), { level: 1 }).length
  t.ok(share <= 1 + LEARNING, `${share.toFixed(3)} of level 1`)
})
