import { deflateSync, inflateSync } from 'node:zlib'
import t from 'tap'
import { chunkOf, chunksOf, damaged, png, refusalOf, rowsIn, rowsOf, swap, uint32 } from './build.ts'

const CANVAS = { width: 6, height: 5, colourType: 6 }
const idat = chunkOf('IDAT', deflateSync(rowsOf(5, 24)))
const acTL = (frames: number) => chunkOf('acTL', uint32(frames, 0))

function fcTL(sequence: number, width: number, height: number, x = 0, y = 0): Buffer {
  return chunkOf('fcTL', uint32(sequence, width, height, x, y), Buffer.from([0, 1, 0, 9, 1, 1]))
}

function fdAT(sequence: number, data: Buffer): Buffer {
  return chunkOf('fdAT', uint32(sequence), data)
}

const frame = (width: number, height: number, seed = 2) => deflateSync(rowsOf(height, 4 * width, seed))

/** Inflated bytes of each frame that stands in fdAT chunks. */
function framesIn(file: Buffer): Buffer[] {
  const frames: Buffer[][] = []
  for (const { type, data } of chunksOf(file)) {
    if (type === 'fcTL') frames.push([])
    if (type === 'fdAT') frames.at(-1)?.push(data.subarray(4))
  }
  return frames.filter(parts => parts.length > 0).map(parts => inflateSync(Buffer.concat(parts)))
}

function sequencesIn(file: Buffer): number[] {
  return chunksOf(file)
    .filter(({ type }) => type === 'fcTL' || type === 'fdAT')
    .map(({ data }) => data.readUInt32BE(0))
}

/** Two frames in fdAT, the first of them in three chunks, behind a default image that is a frame or not. */
function animated(isDefaultFrame: boolean): Buffer {
  const start = isDefaultFrame ? [acTL(3), fcTL(0, 6, 5)] : [acTL(2)]
  const next = isDefaultFrame ? 1 : 0
  const data = frame(2, 3)
  return png(
    CANVAS,
    ...start,
    idat,
    fcTL(next, 2, 3, 4, 2),
    fdAT(next + 1, data.subarray(0, 5)),
    fdAT(next + 2, Buffer.alloc(0)),
    fdAT(next + 3, data.subarray(5)),
    chunkOf('tEXt', Buffer.from('a\0b')),
    fcTL(next + 4, 6, 5),
    fdAT(next + 5, frame(6, 5, 3)),
  )
}

for (const isDefaultFrame of [true, false]) {
  const which = isDefaultFrame ? 'is' : 'is not'
  t.test(`every frame is exchanged when the default image ${which} a frame`, async t => {
    const file = animated(isDefaultFrame)
    const result = await swap(file)
    const [first] = framesIn(result)
    const [firstBefore] = framesIn(file)
    t.equal(first?.[1], firstBefore?.[2], 'red is what green was')
    t.equal(first?.[2], firstBefore?.[1], 'green is what red was')
    t.equal(first?.[3], firstBefore?.[3], 'blue stays')
    t.equal(framesIn(result).length, 2)
    t.same(sequencesIn(result), [...sequencesIn(result).keys()], 'sequence numbers have no gap')
    t.same(framesIn(await swap(result)), framesIn(file))
    t.same(rowsIn(await swap(result)), rowsIn(file))
    t.same(await swap(file, {}, 1), result)
  })
}

t.test('an animation with a palette keeps the chunks of its frames byte for byte', async t => {
  const shape = { width: 2, height: 2, colourType: 3 }
  const data = deflateSync(rowsOf(2, 2))
  const rest = [
    acTL(2),
    fcTL(0, 2, 2),
    chunkOf('IDAT', data),
    fcTL(1, 2, 2),
    fdAT(2, data.subarray(0, 4)),
    fdAT(3, data.subarray(4)),
  ]
  const palette = (...bytes: number[]) => chunkOf('PLTE', Buffer.from(bytes))
  t.same(await swap(png(shape, palette(1, 2, 3), ...rest)), png(shape, palette(2, 1, 3), ...rest))
  const grey = png({ ...shape, colourType: 0 }, ...rest)
  t.same(await swap(grey), grey)
})

t.test('without acTL before the image data the frames are dropped', async t => {
  const frames = [fcTL(0, 2, 3), fdAT(1, frame(2, 3))]
  const still = await swap(png(CANVAS, idat))
  t.same(await swap(png(CANVAS, idat, ...frames)), still)
  t.same(await swap(png(CANVAS, idat, acTL(1), ...frames)), still)
  t.same(await swap(png(CANVAS, damaged(acTL(1)), idat, ...frames)), still)
})

t.test('an animation that breaks its rules is broken', async t => {
  const data = frame(2, 3)
  const cases: [chunks: Buffer[], says: RegExp][] = [
    [[acTL(1), fcTL(1, 6, 5), idat], /fcTL chunk has sequence number 1 where 0 is due/],
    [[acTL(1), idat, fcTL(0, 2, 3), fdAT(2, data)], /fdAT chunk has sequence number 2 where 1 is due/],
    [[acTL(2), fcTL(0, 6, 5), idat], /acTL says 2 frames, and there are 1/],
    [[acTL(1), fcTL(0, 6, 5), idat, fcTL(1, 2, 3), fdAT(2, data)], /acTL says 1 frames, and there are 2/],
    [[acTL(1), idat, fcTL(0, 2, 3)], /no image data after it/],
    [[acTL(1), idat, fcTL(0, 2, 3), fcTL(1, 2, 3)], /two fcTL chunks/],
    [[acTL(1), idat, fdAT(0, data)], /without an fcTL/],
    [[acTL(1), fcTL(0, 6, 5), fdAT(1, data), idat], /before the image data/],
    [[acTL(1), fcTL(0, 2, 3), idat], /does not fill the canvas/],
    [[acTL(1), idat, fcTL(0, 2, 3, 5, 0), fdAT(1, data)], /frame 1 does not lie inside the 6 x 5 canvas/],
    [[acTL(1), idat, fcTL(0, 2, 3, 0, 3), fdAT(1, data)], /does not lie inside/],
    [[acTL(1), idat, fcTL(0, 0, 3), fdAT(1, data)], /does not lie inside/],
    [[acTL(1), idat, fcTL(0, 2, 2), fdAT(1, data)], /more bytes than 2 x 2/],
    [[acTL(1), idat, fcTL(0, 2, 4), fdAT(1, data)], /fewer bytes than 2 x 4/],
    [[acTL(1), idat, fcTL(0, 2, 3), damaged(fdAT(1, data))], /fdAT chunk 1 has a wrong CRC/],
    [[acTL(1), idat, damaged(fcTL(0, 2, 3)), fdAT(1, data)], /fcTL chunk 1 has a wrong CRC/],
    [[acTL(1), idat, fcTL(0, 2, 3), chunkOf('fdAT', Buffer.alloc(3))], /too short/],
    [[acTL(1), idat, chunkOf('fcTL', Buffer.alloc(25))], /not 26 bytes/],
    [[acTL(0), idat], /acTL says 0 frames/],
    [[chunkOf('acTL', Buffer.alloc(9)), idat], /acTL is not 8 bytes/],
    [[acTL(1), acTL(1), fcTL(0, 6, 5), idat], /two acTL/],
  ]
  for (const [chunks, says] of cases) {
    const refusal = await refusalOf(png(CANVAS, ...chunks))
    t.match(refusal, says)
    t.match(refusal, /^broken: /)
  }
})

t.test('frames with more pixels together than allowed are too large', async t => {
  const pixels = 30 + 6 + 30
  t.equal(await refusalOf(animated(true), { maxAnimationPixels: pixels }), 'accepted')
  t.match(await refusalOf(animated(true), { maxAnimationPixels: pixels - 1 }), /^too-large: /)
  const file = png(
    { width: 1, height: 1, colourType: 6 },
    acTL(11),
    chunkOf('IDAT', frame(1, 1)),
    ...Array.from({ length: 11 }, (_, n) => [fcTL(2 * n, 1, 1), fdAT(2 * n + 1, frame(1, 1))]).flat(),
  )
  t.match(
    await refusalOf(file, { maxPixels: 1 }),
    /^too-large: /,
    'ten times the canvas unless said otherwise',
  )
  t.equal(await refusalOf(file, { maxPixels: 2 }), 'accepted')
})
