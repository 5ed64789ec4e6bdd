import t from 'tap'
import { HEADER_BYTES, isPng, readHeader, SIGNATURE } from '../../codec/header.ts'
import { chunkOf, damaged, ihdr, png, type Shape } from './build.ts'

const limits = { maxPixels: 1000 }
const header = (shape: Shape) => png(shape).subarray(0, HEADER_BYTES)
const withData = (data: Buffer) => Buffer.concat([SIGNATURE, chunkOf('IHDR', data)])

t.test('the header tells size, depth, type and interlacing', async t => {
  t.same(readHeader(header({ width: 25, height: 40, bitDepth: 16, colourType: 6, interlace: 1 }), limits), {
    width: 25,
    height: 40,
    bitDepth: 16,
    colourType: 6,
    interlaced: true,
  })
})

t.test('a PNG is told by its signature alone', async t => {
  t.equal(isPng(SIGNATURE), true)
  t.equal(isPng(SIGNATURE.subarray(0, 7)), false)
  t.equal(isPng(Buffer.from('GIF89a......')), false)
})

t.test('bytes without a whole signature are no PNG', async t => {
  const whole = header({ width: 1, height: 1 })
  for (let length = 0; length < 8; length += 1) {
    t.throws(() => readHeader(whole.subarray(0, length), limits), { code: 'not-a-png' })
  }
  t.throws(() => readHeader(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), limits), {
    code: 'not-a-png',
  })
})

t.test('a header cut anywhere behind the signature is broken', async t => {
  const whole = header({ width: 1, height: 1 })
  for (let length = 8; length < HEADER_BYTES; length += 1) {
    t.throws(() => readHeader(whole.subarray(0, length), limits), { code: 'broken' })
  }
})

t.test('a first chunk that is no sound IHDR is broken', async t => {
  const cgbi = Buffer.concat([SIGNATURE, chunkOf('CgBI', Buffer.alloc(4)), chunkOf('IHDR', Buffer.alloc(13))])
  t.throws(() => readHeader(cgbi, limits), { code: 'broken', message: /CgBI/ })
  t.throws(() => readHeader(cgbi.subarray(0, 20), limits), { code: 'broken', message: /CgBI/ })
  const other = Buffer.concat([SIGNATURE, chunkOf('tEXt', Buffer.alloc(13))])
  t.throws(() => readHeader(other, limits), {
    code: 'broken',
    message: 'the file is damaged: the first chunk is not IHDR',
  })
  const crc = damaged(header({ width: 1, height: 1 }))
  t.throws(() => readHeader(crc, limits), {
    code: 'broken',
    message: 'the file is damaged: IHDR has a wrong CRC',
  })
  t.throws(() => readHeader(withData(Buffer.alloc(14, 1)), limits), { code: 'broken', message: /13 bytes/ })
})

t.test('every combination of type and depth is allowed or refused as the specification says', async t => {
  const allowed: Record<number, number[]> = {
    0: [1, 2, 4, 8, 16],
    2: [8, 16],
    3: [1, 2, 4, 8],
    4: [8, 16],
    6: [8, 16],
  }
  for (let colourType = 0; colourType < 9; colourType += 1) {
    for (let bitDepth = 0; bitDepth < 34; bitDepth += 1) {
      const bytes = header({ width: 1, height: 1, bitDepth, colourType })
      if (allowed[colourType]?.includes(bitDepth)) t.equal(readHeader(bytes, limits).bitDepth, bitDepth)
      else t.throws(() => readHeader(bytes, limits), { code: 'broken' })
    }
  }
})

t.test('sizes and methods that do not exist are broken', async t => {
  for (const [width, height] of [
    [0, 1],
    [1, 0],
    [2 ** 31, 1],
    [1, 2 ** 32 - 1],
  ] as const) {
    t.throws(() => readHeader(header({ width, height }), limits), { code: 'broken' })
  }
  for (const at of [10, 11, 12]) {
    const data = ihdr({ width: 1, height: 1 })
    data[at] = 2
    t.throws(() => readHeader(withData(data), limits), { code: 'broken', message: /method 2/ })
  }
})

t.test('more pixels than allowed are too large, and only when all else is sound', async t => {
  t.equal(readHeader(header({ width: 25, height: 40 }), limits).width, 25)
  t.throws(() => readHeader(header({ width: 7, height: 143 }), limits), { code: 'too-large' })
  t.throws(() => readHeader(header({ width: 2 ** 31 - 1, height: 2 ** 31 - 1 }), limits), {
    code: 'too-large',
  })
  t.throws(() => readHeader(header({ width: 7, height: 143, bitDepth: 3 }), limits), { code: 'broken' })
})
