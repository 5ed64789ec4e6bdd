import { deflateSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { SIGNATURE } from '../../codec/header.ts'
import { MAX_ANCILLARY_BYTES } from '../../codec/swap.ts'
import { chunkOf, damaged, ihdr, png, refusalOf, rowsOf, uint32 } from './build.ts'

const shape = { width: 4, height: 4 }
const rows = rowsOf(4, 12)
const stream = deflateSync(rows)
const idat = chunkOf('IDAT', stream)
const palette = chunkOf('PLTE', Buffer.from([1, 2, 3]))
const indexed = { width: 4, height: 4, colourType: 3 }
const indexedIdat = chunkOf('IDAT', deflateSync(rowsOf(4, 4)))

/** Each file, and what its refusal must say. */
type Cases = readonly (readonly [file: Buffer, says: RegExp])[]

async function refuses(t: Test, cases: Cases): Promise<void> {
  for (const [file, says] of cases) t.match(await refusalOf(file), says)
}

t.test('a file that is cut anywhere is refused', async t => {
  const whole = png(shape, chunkOf('tEXt', Buffer.from('a\0b')), idat)
  for (let length = 0; length < whole.length; length += 1) {
    t.match(
      await refusalOf(whole.subarray(0, length)),
      length < 8 ? /^not-a-png: / : /^broken: /,
      `${length}`,
    )
  }
  t.equal(await refusalOf(whole), 'accepted')
})

t.test('critical chunks that are wrong, missing, repeated or out of place are broken', async t => {
  const longer = Buffer.concat([
    SIGNATURE,
    chunkOf('IHDR', ihdr(shape)),
    idat,
    chunkOf('IEND', Buffer.from('x')),
  ])
  const badEnd = Buffer.concat([SIGNATURE, chunkOf('IHDR', ihdr(shape)), idat, damaged(chunkOf('IEND'))])
  await refuses(t, [
    [png(shape), /^broken: the file is damaged: there is no IDAT chunk/],
    [png(shape, damaged(idat)), /^broken: the file is damaged: IDAT chunk 1 has a wrong CRC/],
    [
      png(shape, chunkOf('IDAT'), chunkOf('IDAT', stream), damaged(chunkOf('IDAT'))),
      /^broken: the file is damaged: IDAT chunk 3 /,
    ],
    [
      png(shape, idat, chunkOf('tEXt'), idat),
      /^broken: the file is damaged: the IDAT chunks do not stand together/,
    ],
    [png(shape, chunkOf('IHDR', ihdr(shape)), idat), /^broken: the file is damaged: there are two IHDR/],
    [png(shape, chunkOf('ABCd'), idat), /^broken: the file is damaged: ABCd is a critical chunk/],
    [png(shape, chunkOf('ab1d'), idat), /^broken: the file is damaged: a chunk has the type 0x61623164/],
    [
      png(shape, Buffer.concat([uint32(2 ** 31), Buffer.from('tEXt')])),
      /^broken: the file is damaged: tEXt chunk 1 says a length/,
    ],
    [longer, /^broken: the file is damaged: IEND is not empty/],
    [badEnd, /^broken: the file is damaged: IEND has a wrong CRC/],
  ])
})

t.test('a palette that is missing, malformed, repeated or late is broken', async t => {
  await refuses(t, [
    [png(indexed, indexedIdat), /^broken: the file is damaged: a palette image has no PLTE/],
    [png(indexed, chunkOf('PLTE'), indexedIdat), /^broken: the file is damaged: PLTE is 0 bytes/],
    [
      png(indexed, chunkOf('PLTE', Buffer.alloc(4)), indexedIdat),
      /^broken: the file is damaged: PLTE is 4 bytes/,
    ],
    [
      png(indexed, chunkOf('PLTE', Buffer.alloc(771)), indexedIdat),
      /^broken: the file is damaged: PLTE is 771 bytes/,
    ],
    [png(indexed, damaged(palette), indexedIdat), /^broken: the file is damaged: PLTE has a wrong CRC/],
    [png(indexed, palette, palette, indexedIdat), /^broken: the file is damaged: there are two PLTE/],
    [png(shape, idat, palette), /^broken: the file is damaged: PLTE stands after/],
    [png(indexed, palette, indexedIdat), /^accepted/],
  ])
})

t.test(
  'image data that does not inflate to the rows of the image is broken, in every type of image',
  async t => {
    for (const [width, height] of [
      [4, 4],
      [300, 200],
    ] as const) {
      for (const [colourType, channels] of [
        [0, 1],
        [2, 3],
        [3, 1],
        [6, 4],
      ] as const) {
        const good = rowsOf(height, width * channels)
        const file = (data: Buffer) =>
          png({ width, height, colourType }, ...(colourType === 3 ? [palette] : []), chunkOf('IDAT', data))
        const packed = deflateSync(good)
        const badFilter = Buffer.from(good)
        badFilter[1 + width * channels] = 5
        const badSum = Buffer.from(packed)
        badSum[packed.length - 1] = (packed.at(-1) ?? 0) ^ 1
        const size = `${width} x ${height}`
        await refuses(t, [
          [file(packed), /^accepted/],
          [file(deflateSync(good.subarray(0, -1))), new RegExp(`^broken: .* fewer bytes than ${size} `)],
          [
            file(deflateSync(Buffer.concat([good, Buffer.from([0])]))),
            new RegExp(`^broken: .* more bytes than ${size} `),
          ],
          [file(deflateSync(badFilter)), /^broken: the file is damaged: a row has filter type 5/],
          [file(badSum), /^broken: .* Adler-32/],
          [file(packed.subarray(0, -1)), /^broken: the file is damaged: the image data ends before/],
          [
            file(packed.subarray(0, packed.length >> 1)),
            /^broken: the file is damaged: the image data ends before/,
          ],
          [file(Buffer.alloc(0)), /^broken: /],
          [file(Buffer.from('no zlib stream at all')), /^broken: .* no valid zlib stream/],
          [file(deflateSync(good, { dictionary: Buffer.from('abc') })), /^broken: .* no valid zlib stream/],
        ])
      }
    }
  },
)

t.test('a stream that inflates to far more than its image is refused without being inflated', async t => {
  const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024))
  const before = process.memoryUsage().arrayBuffers
  for (const [width, height] of [
    [4, 4],
    [300, 200],
  ] as const) {
    t.match(await refusalOf(png({ width, height }, chunkOf('IDAT', bomb))), /^broken: .* more bytes/)
  }
  t.ok(process.memoryUsage().arrayBuffers - before < 16 * 1024 * 1024)
})

t.test('more pixels or bytes than allowed are too large', async t => {
  const file = png(shape, idat)
  t.match(await refusalOf(file, { maxPixels: 15 }), /^too-large: 4 x 4 pixels/)
  t.match(await refusalOf(file, { maxBytes: file.length - 1 }), /^too-large: the file is longer/)
  t.equal(await refusalOf(file, { maxPixels: 16, maxBytes: file.length }), 'accepted')
  const trailing = Buffer.concat([file, Buffer.alloc(100_000)])
  t.match(await refusalOf(trailing, { maxBytes: trailing.length - 1 }), /^too-large: the file is longer/)
})

t.test('an ancillary chunk is held up to a bound, and one that is dropped anyway may be longer', async t => {
  const long = Buffer.alloc(MAX_ANCILLARY_BYTES + 1)
  const options = { maxBytes: 2 * long.length }
  t.match(
    await refusalOf(png(shape, chunkOf('iTXt', long), idat), options),
    /^too-large: iTXt chunk 1 is longer/,
  )
  t.equal(await refusalOf(png(shape, chunkOf('caBX', long), idat), options), 'accepted')
  const claims = Buffer.concat([uint32(2 ** 31 - 1), Buffer.from('iTXtabc')])
  t.match(
    await refusalOf(png(shape, claims)),
    /^broken: the file is damaged: the file ends inside iTXt chunk 1/,
  )
})
