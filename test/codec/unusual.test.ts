import { constants, deflateSync, type ZlibOptions } from 'node:zlib'
import t, { type Test } from 'tap'
import type { Header } from '../../codec/header.ts'
import { type Layout, layoutOf } from '../../codec/layout.ts'
import type { Recoder } from '../../codec/recoder.ts'
import { createZlibRecoder } from '../../codec/zlib.ts'
import { Bits } from './bits.ts'
import { writeHead } from './block-head.ts'
import { inPieces, recoder, wasmRecoder } from './build.ts'
import { chanceOf } from './chance.ts'
import { pictureOf } from './picture.ts'
import { exchanged, inflated, recode } from './verdict.ts'

const OPTIONS: readonly ZlibOptions[] = [
  { level: 0 },
  { level: 1 },
  { level: 9 },
  { strategy: constants.Z_HUFFMAN_ONLY },
]
const RED_GREEN = [0, 1] as const

function layoutFor(width: number, height: number, header: Partial<Header> = {}): Layout {
  return layoutOf({ width, height, bitDepth: 8, colourType: 2, interlaced: false, ...header })
}

const fresh = () => (process.env.RECODER === 'zlib' ? createZlibRecoder() : wasmRecoder())
const streamFor = (layout: Layout, seed = 1) => deflateSync(pictureOf(layout, chanceOf(seed, 0)))

async function resultOf(own: Recoder, layout: Layout, zlib: Buffer): Promise<Buffer | string> {
  const frame = { layout, channels: RED_GREEN, zlib, pieces: [zlib] }
  const { bytes, refusal } = await recode(own, frame)
  return bytes ?? (refusal as string)
}

/** Whatever the stream was compressed with, the rows come out exchanged. */
async function exchanges(t: Test, layout: Layout): Promise<void> {
  const rows = pictureOf(layout, chanceOf(7, layout.inflatedBytes))
  const expected = exchanged(rows, layout, RED_GREEN)
  for (const options of OPTIONS) {
    const result = await resultOf(recoder, layout, deflateSync(rows, options))
    const isRight = typeof result !== 'string' && inflated(result, rows.length)?.equals(expected)
    t.equal(isRight, true, `${layout.width} x ${layout.height}, ${JSON.stringify(options)}`)
  }
}

t.test('rows longer than 64 KB are exchanged from end to end', async t => {
  await exchanges(t, layoutFor(30_000, 3))
  await exchanges(t, layoutFor(30_001, 2, { colourType: 6, bitDepth: 16 }))
  await exchanges(t, layoutFor(70_000, 1))
  await exchanges(t, layoutFor(50_000, 3, { interlaced: true }))
})

t.test('an image whose rows end where 64 KB end is complete', async t => {
  // A row of 21 pixels has 64 bytes with its filter byte.
  for (const height of [1023, 1024, 1025, 2048, 4096]) {
    const layout = layoutFor(21, height)
    t.equal(layout.inflatedBytes, 64 * height)
    await exchanges(t, layout)
  }
})

t.test('an image of a single pixel is exchanged, whatever its type', async t => {
  for (const colourType of [2, 6] as const) {
    for (const bitDepth of [8, 16] as const) {
      for (const interlaced of [false, true])
        await exchanges(t, layoutFor(1, 1, { colourType, bitDepth, interlaced }))
    }
  }
})

t.test('an image one pixel wide and 100,000 rows high is exchanged', async t => {
  await exchanges(t, layoutFor(1, 100_000, { colourType: 6, bitDepth: 16 }))
  await exchanges(t, layoutFor(1, 100_000, { interlaced: true }))
})

t.test('a result does not depend on what was recoded before, nor on a refusal in its middle', async t => {
  const layouts = [layoutFor(40, 30, { interlaced: true }), layoutFor(300, 400, { colourType: 6 })]
  for (const layout of layouts) {
    const zlib = streamFor(layout)
    const expected = await resultOf(fresh(), layout, zlib)
    const used = fresh()
    for (const other of [...layouts, layoutFor(90, 90, { bitDepth: 16 }), layoutFor(1, 1)]) {
      const whole = streamFor(other, 2)
      await resultOf(used, other, whole)
      t.same(await resultOf(used, layout, zlib), expected, 'after another image')
      t.type(await resultOf(used, other, whole.subarray(0, whole.length >> 1)), 'string')
      t.same(await resultOf(used, layout, zlib), expected, 'after a stream that was cut')
      for await (const _ of used.recode(other, RED_GREEN, inPieces(whole, 50))) break
      t.same(await resultOf(used, layout, zlib), expected, 'after one that was left early')
      for await (const _ of used.verify(other, inPieces(whole, 50)));
      t.same(await resultOf(used, layout, zlib), expected, 'after one that was verified')
    }
  }
})

t.test('a stream that is cut is refused in the same words, whatever was recoded before', async t => {
  const layout = layoutFor(40, 30)
  const zlib = streamFor(layout)
  const used = fresh()
  await resultOf(used, layout, deflateSync(Buffer.alloc(layout.inflatedBytes, 2), { level: 0 }))
  for (let length = 0; length < 120; length += 1) {
    const cut = zlib.subarray(0, length)
    t.equal(
      await resultOf(used, layout, cut),
      'the file is damaged: the image data ends before its zlib stream does',
      `${length}`,
    )
  }
})

t.test('streams that take turns on one recoder do not disturb each other', async t => {
  const layouts = [
    layoutFor(300, 400),
    layoutFor(250, 250, { colourType: 6, bitDepth: 16 }),
    layoutFor(20, 20),
    layoutFor(200, 300, { interlaced: true }),
  ]
  const shared = fresh()
  const running = layouts.map((layout, seed) => {
    const zlib = streamFor(layout, seed)
    const pieces: Buffer[] = []
    return { layout, zlib, pieces, iterator: shared.recode(layout, RED_GREEN, inPieces(zlib, 900)) }
  })
  const turns = running.map(({ pieces, iterator }) => {
    const own = iterator[Symbol.asyncIterator]()
    return async () => {
      const { done, value } = await own.next()
      if (done !== true) pieces.push(value)
      return done === true
    }
  })
  for (let open = turns; open.length > 0; ) {
    const ended = await Promise.all(open.map(turn => turn()))
    open = open.filter((_, index) => !ended[index])
  }
  for (const { layout, zlib, pieces } of running) {
    const rows = inflated(Buffer.concat(pieces), layout.inflatedBytes)
    const alone = await resultOf(fresh(), layout, zlib)
    t.same(rows, inflated(alone as Buffer, layout.inflatedBytes), `${layout.width} x ${layout.height}`)
  }
})

t.test(
  'a match that reaches further back than the stream claims is taken in every size of image',
  async t => {
    // A window of 256 bytes, says the header; what is claimed changes neither the rows nor their checksum.
    for (const height of [200, 2000]) {
      const layout = layoutFor(100, height)
      const row = pictureOf(layoutFor(100, 5), chanceOf(3, 0))
      const rows = Buffer.concat(Array.from({ length: height / 5 }, () => row))
      const zlib = deflateSync(rows)
      zlib.writeUInt16BE(0x081d)
      const result = await resultOf(recoder, layout, zlib)
      t.type(result, Buffer, `${result}`.slice(0, 100))
      t.same(inflated(result as Buffer, rows.length), exchanged(rows, layout, RED_GREEN))
    }
  },
)

t.test('a bit that leads to no code is refused where the only code is the end of the block', async t => {
  const literals = [...new Array<number>(256).fill(0), 1]
  for (const distances of [[0], [1]]) {
    const bits = new Bits()
    bits.put(0x9c78, 16)
    bits.put(1 | (2 << 1), 3)
    writeHead(bits, literals, distances, chanceOf(1, 0))
    bits.put(1, 1)
    bits.append(Buffer.alloc(20))
    t.equal(
      await resultOf(recoder, layoutFor(1, 1), bits.done()),
      'the file is damaged: the image data is no valid zlib stream: invalid literal/length code',
    )
  }
})
