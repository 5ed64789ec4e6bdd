import sharp from 'sharp'
import t from 'tap'
import { broken } from '../images/broken.ts'
import { catalogue } from '../images/catalogue.ts'
import { apng, chunk, encodePng, pngOf } from '../images/encode.ts'
import { everyFormat, nameOf, plain } from '../images/formats.ts'
import { createRandom } from '../images/random.ts'
import { decodePng } from './decode.ts'

t.test('every image of the catalogue is decoded', async t => {
  for (const { name, bytes } of catalogue()) t.doesNotThrow(() => decodePng(bytes), name)
})

t.test('every broken file is refused, and the message says what is wrong', async t => {
  for (const { name, bytes, reason } of broken()) t.throws(() => decodePng(bytes), { message: reason }, name)
})

t.test('a byte changed anywhere in an image without ancillary chunks is noticed', async t => {
  const file = encodePng({ ...plain, width: 5, height: 5, interlaced: true })
  for (let i = 0; i < file.length; i++) {
    const copy = Buffer.from(file)
    copy[i]! ^= 1 << (i % 8)
    t.throws(() => decodePng(copy), `byte ${i}`)
  }
})

t.test('a file cut anywhere is refused', async t => {
  const file = encodePng({ ...plain, width: 5, height: 5, colourType: 3 })
  for (let i = 0; i < file.length; i++) t.throws(() => decodePng(file.subarray(0, i)), `${i} bytes`)
})

t.test('the samples that went into a file come out of it', async t => {
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
  for (const format of everyFormat) {
    for (const interlaced of [false, true]) {
      const random = createRandom(nameOf(format))
      const samples = Array.from({ length: 13 * 11 * channels[format.colourType] }, () =>
        random.below(2 ** format.bitDepth),
      )
      const [frame] = decodePng(encodePng({ ...format, width: 13, height: 11, interlaced, samples })).frames
      t.same(Array.from(frame!.samples), samples, `${nameOf(format)} ${interlaced}`)
    }
  }
})

t.test('sharp, which shares nothing with the oracle, reads the same samples', async t => {
  for (const colourType of [2, 6] as const) {
    for (const interlaced of [false, true]) {
      for (const filter of [0, 1, 2, 3, 4, 'mixed'] as const) {
        const file = encodePng({ width: 37, height: 29, colourType, bitDepth: 8, interlaced, filter })
        const witness = await sharp(file).raw().toBuffer()
        const [frame] = decodePng(file).frames
        t.ok(
          witness.equals(frame!.samples as Uint8Array),
          `type ${colourType}, filter ${filter}, ${interlaced}`,
        )
      }
    }
  }
})

t.test('the frames of an animation are decoded at their own size', async t => {
  const frames = [{ width: 3, height: 2, x: 1, y: 1, samples: Array.from({ length: 18 }, (_, i) => i) }]
  const shown = decodePng(apng({ ...plain, frames, idatBytes: 7 }))
  t.equal(shown.frames.length, 2)
  t.ok(shown.frames[0]!.control)
  t.same(Array.from(shown.frames[1]!.samples), frames[0]!.samples)
  t.equal(shown.frames[1]!.width, 3)
  const hidden = decodePng(apng({ ...plain, frames, isDefaultShown: false }))
  t.equal(hidden.frames[0]!.control, undefined)
})

t.test(
  'what surrounds the picture is told: chunks, wrong CRCs, bytes after IEND and after the zlib stream',
  async t => {
    const text = chunk('tEXt', 'a\0b')
    text[text.length - 1]! ^= 1
    const image = decodePng(Buffer.concat([encodePng({ ...plain, before: [text] }), Buffer.alloc(5)]))
    t.same(
      image.chunks.map(({ type, crcOk }) => [type, crcOk]),
      [
        ['IHDR', true],
        ['tEXt', false],
        ['IDAT', true],
        ['IEND', true],
      ],
    )
    t.equal(image.trailingBytes, 5)
    t.equal(image.frames[0]!.surplusBytes, 0)

    const [header, , data, end] = decodePng(encodePng({ ...plain, before: [text] })).chunks.map(
      ({ type, data }) => ({
        type,
        data,
      }),
    )
    const longer = chunk('IDAT', Buffer.concat([data!.data, Buffer.alloc(9)]))
    const file = pngOf([chunk('IHDR', header!.data), longer, chunk('IEND', end!.data)])
    t.equal(decodePng(file).frames[0]!.surplusBytes, 9)
  },
)
