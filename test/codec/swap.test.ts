import { deflateSync } from 'node:zlib'
import t from 'tap'
import { PIECE_BYTES, swapRedGreen } from '../../codec/swap.ts'
import { chunkOf, chunksOf, damaged, inPieces, LIMITS, png, rowsIn, rowsOf, swap } from './build.ts'

const text = chunkOf('tEXt', Buffer.from('Title\0green and red'))
const idat = (rows: Buffer) => chunkOf('IDAT', deflateSync(rows))

/** Written apart from the code under test: exchanges the first two samples of each pixel of each row. */
function exchanged(rows: Buffer, rowBytes: number, pixelBytes: number, sampleBytes: number): Buffer {
  const out = Buffer.from(rows)
  for (let row = 0; row < rows.length; row += 1 + rowBytes) {
    for (let at = row + 1; at < row + 1 + rowBytes; at += pixelBytes) {
      rows.copy(out, at, at + sampleBytes, at + 2 * sampleBytes)
      rows.copy(out, at + sampleBytes, at, at + sampleBytes)
    }
  }
  return out
}

for (const [colourType, bitDepth, pixelBytes] of [
  [2, 8, 3],
  [2, 16, 6],
  [6, 8, 4],
  [6, 16, 8],
] as const) {
  t.test(
    `an image of type ${colourType} and depth ${bitDepth} has red and green exchanged in every row`,
    async t => {
      const shape = { width: 19, height: 23, bitDepth, colourType }
      const rows = rowsOf(23, 19 * pixelBytes)
      const result = await swap(png(shape, idat(rows)))
      t.same(rowsIn(result), exchanged(rows, 19 * pixelBytes, pixelBytes, bitDepth / 8))
      t.same(rowsIn(await swap(result)), rows, 'twice gives the first samples back')
      t.same(chunksOf(result)[0], chunksOf(png(shape))[0], 'IHDR is the same')
    },
  )
}

t.test('a swapped pixel that used the filter Sub decodes to its channels exchanged', async t => {
  const rows = Buffer.from([1, 10, 20, 30, 1, 2, 3])
  t.same(rowsIn(await swap(png({ width: 2, height: 1 }, idat(rows)))), Buffer.from([1, 20, 10, 30, 2, 1, 3]))
})

t.test('an interlaced image is exchanged pass by pass, and passes without pixels have no bytes', async t => {
  // 3 x 2: pass 1 has (0,0), pass 4 has (2,0), pass 6 has (1,0), pass 7 has the second row.
  const before = [0, 1, 2, 3, 1, 4, 5, 6, 2, 7, 8, 9, 3, 10, 11, 12, 13, 14, 15, 16, 17, 18]
  const after = [0, 2, 1, 3, 1, 5, 4, 6, 2, 8, 7, 9, 3, 11, 10, 12, 14, 13, 15, 17, 16, 18]
  const file = png({ width: 3, height: 2, interlace: 1 }, idat(Buffer.from(before)))
  t.same([...rowsIn(await swap(file))], after)
})

t.test('an image of several pieces comes out the same, in pieces of a bounded size', async t => {
  const rows = rowsOf(400, 300 * 3)
  const stream = deflateSync(rows, { level: 1 })
  const file = png(
    { width: 300, height: 400 },
    ...[0, 1, 2, 3].map(part =>
      chunkOf('IDAT', stream.subarray(part * 9001, part === 3 ? undefined : part * 9001 + 9001)),
    ),
  )
  const pieces: Buffer[] = []
  for await (const piece of swapRedGreen(inPieces(file, 4096), LIMITS)) pieces.push(piece)
  t.ok(pieces.length > 3 && pieces.every(piece => piece.length <= PIECE_BYTES))
  const result = Buffer.concat(pieces)
  t.same(rowsIn(result), exchanged(rows, 900, 3, 1))
  t.ok(chunksOf(result).every(chunk => chunk.data.length <= PIECE_BYTES))
})

t.test('the size of the input pieces makes no difference', async t => {
  const small = png({ width: 30, height: 20 }, text, idat(rowsOf(20, 90)), text)
  const expected = await swap(small)
  for (const size of [1, 2, 3, 7, 8, 33, 100, 1000]) t.same(await swap(small, {}, size), expected, `${size}`)
  const large = png({ width: 200, height: 200 }, idat(rowsOf(200, 600)))
  const rows = rowsIn(await swap(large))
  for (const size of [997, 30_000]) t.same(rowsIn(await swap(large, {}, size)), rows, `${size}`)
})

t.test('a palette image gets another palette, and its data stay byte for byte', async t => {
  const stream = deflateSync(Buffer.from([0, 0b0110_1100]))
  const data = [chunkOf('IDAT', stream.subarray(0, 3)), chunkOf('IDAT'), chunkOf('IDAT', stream.subarray(3))]
  const palette = (...bytes: number[]) => chunkOf('PLTE', Buffer.from(bytes))
  const rest = [
    chunkOf('tRNS', Buffer.from([1, 2])),
    chunkOf('bKGD', Buffer.from([1])),
    chunkOf('hIST', Buffer.alloc(4)),
  ]
  const shape = { width: 8, height: 1, bitDepth: 1, colourType: 3 }
  const result = await swap(png(shape, palette(1, 2, 3, 4, 5, 6), ...rest, ...data))
  t.same(result, png(shape, palette(2, 1, 3, 5, 4, 6), ...rest, ...data))
})

t.test('an index beyond the palette is left as it is', async t => {
  const shape = { width: 1, height: 1, bitDepth: 8, colourType: 3 }
  const file = png(shape, chunkOf('PLTE', Buffer.from([9, 9, 9])), idat(Buffer.from([0, 200])))
  t.same(await swap(file), file)
})

for (const [colourType, bitDepth] of [
  [0, 1],
  [0, 16],
  [4, 8],
] as const) {
  t.test(`a grey image of type ${colourType} and depth ${bitDepth} comes back byte for byte`, async t => {
    const pixelBits = bitDepth * (colourType === 4 ? 2 : 1)
    const rows = rowsOf(5, Math.ceil((9 * pixelBits) / 8))
    const extra = ['iDOT', 'caBX', 'prVt', 'sPLT', 'fdAT', 'PLTE'].map(type =>
      chunkOf(type, Buffer.from('abc')),
    )
    const file = png({ width: 9, height: 5, bitDepth, colourType }, ...extra, idat(rows), text)
    t.same(await swap(file), file)
    const trailing = Buffer.concat([file, Buffer.from('rest')])
    t.same(await swap(trailing), file, 'without what follows IEND')
    const wrong = png(
      { width: 9, height: 5, bitDepth, colourType },
      damaged(text),
      ...extra,
      idat(rows),
      text,
    )
    t.same(await swap(wrong), file, 'without an ancillary chunk of wrong CRC')
  })
}

t.test('bytes after the end of the zlib stream are dropped', async t => {
  const rows = rowsOf(4, 12)
  const stream = deflateSync(rows)
  const shape = { width: 4, height: 4 }
  const plain = await swap(png(shape, chunkOf('IDAT', stream)))
  const more = Buffer.alloc(40, 7)
  t.same(await swap(png(shape, chunkOf('IDAT', stream, more))), plain, 'in the same chunk')
  t.same(
    await swap(png(shape, chunkOf('IDAT', stream), chunkOf('IDAT', more))),
    plain,
    'in a chunk of their own',
  )
  const large = { width: 300, height: 100 }
  const largeRows = deflateSync(rowsOf(100, 900))
  const expected = rowsIn(await swap(png(large, chunkOf('IDAT', largeRows))))
  for (const trailing of [Buffer.alloc(10), Buffer.alloc(200_000, 3)]) {
    const joined = png(large, chunkOf('IDAT', largeRows, trailing))
    t.same(rowsIn(await swap(joined)), expected, 'in a large image')
    const apart = png(large, chunkOf('IDAT', largeRows), chunkOf('IDAT', trailing))
    t.same(rowsIn(await swap(apart)), expected, 'in a large image, apart')
  }
})

t.test('leaving early, and an input that fails, close the input and throw nothing else', async t => {
  const file = png({ width: 400, height: 400 }, idat(rowsOf(400, 1200)))
  let isClosed = false
  async function* watched(failAt: number): AsyncGenerator<Uint8Array> {
    try {
      for (let at = 0; at < file.length; at += 5000) {
        if (at >= failAt) throw new Error('the line is cut')
        yield file.subarray(at, at + 5000)
      }
    } finally {
      isClosed = true
    }
  }
  for await (const _ of swapRedGreen(watched(Number.POSITIVE_INFINITY), LIMITS)) break
  t.equal(isClosed, true)
  isClosed = false
  await t.rejects(async () => {
    for await (const _ of swapRedGreen(watched(200_000), LIMITS));
  }, new Error('the line is cut'))
  t.equal(isClosed, true)
})
