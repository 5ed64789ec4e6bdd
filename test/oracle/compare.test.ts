import { deflateSync } from 'node:zlib'
import t from 'tap'
import { catalogue } from '../images/catalogue.ts'
import { dataChunks, frameControl, frameData, pngOf } from '../images/chunk.ts'
import { type Animation, apng, chunk, encodePng, type Picture } from '../images/encode.ts'
import { plain } from '../images/formats.ts'
import { readChunks } from './chunks.ts'
import { differences } from './compare.ts'
import { exchange } from './exchange.ts'

t.test(
  'every image of the catalogue has a right result, and swapping that gives the upload again',
  async t => {
    for (const { name, bytes } of catalogue()) {
      const result = exchange(bytes)
      t.same(differences(bytes, result), [], name)
      t.same(differences(result, exchange(result)), [], `${name}, twice`)
    }
  },
)

t.test('an image with red and green that comes back as it was is noticed', async t => {
  for (const { name, bytes } of catalogue()) {
    if (/grey/.test(name) || differences(bytes, bytes).length > 0) continue
    t.fail(name)
  }
})

/** Samples 4x4, RGB: red 10, 20, 30 and so on, green above 100, blue above 200. */
const red = (i: number) => i * 3
const green = (i: number) => 100 + i * 2
const pixels = Array.from({ length: 16 }, (_, i) => i)
const before = pixels.flatMap(i => [red(i), green(i), 200 + i])
const after = pixels.flatMap(i => [green(i), red(i), 200 + i])
const small = { width: 4, height: 4, bitDepth: 8, colourType: 2 } as const

/** A right result written down by hand: what no other part of the oracle has touched. */
const upload: Picture = {
  ...small,
  samples: before,
  before: [chunk('gAMA', [0, 0, 177, 143]), chunk('sBIT', [5, 6, 7]), chunk('iDOT', [1, 2, 3])],
  palette: Buffer.from([1, 2, 3, 4, 5, 6]),
  afterPlte: [chunk('tRNS', [0, 1, 0, 2, 0, 3]), chunk('bKGD', [9, 8, 7, 6, 5, 4])],
  after: [chunk('sPLT', 'n\0\x08abcdefABCDEF'), chunk('tIME', [7, 233, 1, 2, 3, 4, 5])],
}
const result: Picture = {
  ...small,
  samples: after,
  before: [chunk('gAMA', [0, 0, 177, 143]), chunk('sBIT', [6, 5, 7])],
  palette: Buffer.from([2, 1, 3, 5, 4, 6]),
  afterPlte: [chunk('tRNS', [0, 2, 0, 1, 0, 3]), chunk('bKGD', [7, 6, 9, 8, 5, 4])],
  after: [chunk('sPLT', 'n\0\x08bacdefBACDEF'), chunk('tIME', [7, 233, 1, 2, 3, 4, 5])],
}

t.test('a right result made by hand has no differences, however its data are compressed and cut', async t => {
  t.same(differences(encodePng(upload), encodePng(result)), [])
  t.same(differences(encodePng(upload), encodePng({ ...result, level: 0, idatBytes: 3 })), [])
  t.ok(encodePng(result).equals(pngOf(allChunks(encodePng(result)))))
})

t.test('each planted fault is noticed', async t => {
  const faults: Record<string, Partial<Picture>> = {
    'nothing exchanged': upload,
    'samples not exchanged': { samples: before },
    'one sample': { samples: after.with(40, 0) },
    'another interlacing': { interlaced: true },
    'other filters': { filter: 0 },
    'PLTE not exchanged': { palette: upload.palette! },
    'PLTE one byte short': { palette: result.palette!.subarray(0, 3) },
    'tRNS not exchanged': { afterPlte: [upload.afterPlte![0]!, result.afterPlte![1]!] },
    'bKGD not exchanged': { afterPlte: [result.afterPlte![0]!, upload.afterPlte![1]!] },
    'sBIT not exchanged': { before: upload.before!.slice(0, 2) },
    'sPLT not exchanged': { after: upload.after! },
    'tRNS dropped': { afterPlte: result.afterPlte!.slice(1) },
    'tIME dropped': { after: result.after!.slice(0, 1) },
    'gAMA changed': { before: [chunk('gAMA', [0, 0, 177, 144]), result.before![1]!] },
    'gAMA after PLTE': {
      before: result.before!.slice(1),
      afterPlte: [result.before![0]!, ...result.afterPlte!],
    },
    'tIME before IDAT': {
      afterPlte: [...result.afterPlte!, result.after![1]!],
      after: result.after!.slice(0, 1),
    },
    'sBIT before gAMA': { before: result.before!.toReversed() },
    'iDOT kept': { before: [...result.before!, upload.before![2]!] },
    'a chunk added': { after: [...result.after!, chunk('tEXt', 'Software\0x')] },
  }
  for (const [name, change] of Object.entries(faults)) {
    t.not(differences(encodePng(upload), encodePng({ ...result, ...change })).length, 0, name)
  }
})

t.test('faults of the file itself are noticed', async t => {
  const file = encodePng(result)
  const wrongCrc = Buffer.from(file)
  wrongCrc[8 + 25 + 8 + 4]! ^= 1
  const files = {
    'the upload': encodePng(upload),
    'wrong CRC in gAMA': wrongCrc,
    'bytes after IEND': Buffer.concat([file, Buffer.alloc(1)]),
    'a byte missing': file.subarray(0, -1),
    'another image': exchange(encodePng(plain)),
    'bytes after the zlib stream': pngOf(
      allChunks(file).flatMap(one =>
        one.includes('IDAT') ? dataChunks(Buffer.concat([dataOf(one), one])) : [one],
      ),
    ),
    'not a PNG': Buffer.from('success'),
    nothing: Buffer.alloc(0),
  }
  for (const [name, bytes] of Object.entries(files)) {
    t.not(differences(encodePng(upload), bytes).length, 0, name)
  }
  t.match(differences(file.subarray(1), file), [/upload is broken/])
})

t.test('alpha and 16 bit are compared to the last bit', async t => {
  const samples = pixels.flatMap(i => [i * 4000, i * 300 + 1, i, 65_535 - i])
  const swapped = pixels.flatMap(i => [i * 300 + 1, i * 4000, i, 65_535 - i])
  const picture: Picture = { ...small, colourType: 6, bitDepth: 16 }
  const from = encodePng({ ...picture, samples })
  t.same(differences(from, encodePng({ ...picture, samples: swapped })), [])
  t.match(differences(from, encodePng({ ...picture, samples: swapped.with(63, 65_535) })), [
    /1 of 64 .* x 3, y 3/,
  ])
})

t.test(
  'a palette or grey image comes back with the same data chunks, not only with the same samples',
  async t => {
    for (const colourType of [0, 3, 4] as const) {
      const picture = { ...plain, colourType, palette: Buffer.from([7, 7, 0, 9, 9, 1]) }
      const { palette: _, ...grey } = picture
      const file = encodePng(colourType === 3 ? picture : grey)
      t.same(differences(file, file), [], 'entries whose red is their green')
      const again = encodePng({ ...(colourType === 3 ? picture : grey), level: 1 })
      t.not(differences(file, again).length, 0, 'compressed anew')
      const cut = encodePng({ ...(colourType === 3 ? picture : grey), idatBytes: 100 })
      t.not(differences(file, cut).length, 0, 'cut anew')
    }
  },
)

t.test(
  'a malformed chunk that would name a colour may stay or go, and nothing else may happen to it',
  async t => {
    const malformed = { ...upload, after: [chunk('bKGD', [1, 2, 3]), ...upload.after!] }
    t.same(differences(encodePng(malformed), encodePng(result)), [])
    const withData = (data: number[]) =>
      encodePng({ ...result, after: [chunk('bKGD', data), ...result.after!] })
    t.same(differences(encodePng(malformed), withData([1, 2, 3])), [])
    t.not(differences(encodePng(malformed), withData([2, 1, 3])).length, 0)
  },
)

t.test('every frame of an animation is compared', async t => {
  const made = (samples: number[], last: number[], change: Partial<Animation> = {}) =>
    apng({
      ...small,
      samples,
      frames: [
        { ...small, samples },
        { ...small, samples: last },
      ],
      ...change,
    })
  const from = made(before, before)
  t.same(differences(from, made(after, after)), [])
  t.same(differences(from, made(after, after, { idatBytes: 9 })), [])
  t.match(differences(from, made(after, before)), [/frame 2/])
  t.not(differences(from, made(after, after, { isDefaultShown: false })).length, 0)

  const chunks = allChunks(made(after, after))
  const lastControl = chunks.findLastIndex(one => one.includes('fcTL'))
  const gap = chunks.with(lastControl, frameControl(7, 4, 4))
  t.match(differences(from, pngOf(gap)), [/sequence/])
  const other = chunks.with(lastControl, frameControl(3, 4, 4).fill(2, 32, 33))
  t.not(differences(from, pngOf(other)).length, 0, 'control changed and its CRC wrong')
  const stream = deflateSync(Buffer.alloc(4 * 13))
  t.not(differences(from, pngOf(chunks.with(-2, frameData(4, stream)[0]!))).length, 0, 'data replaced')
  t.not(differences(from, pngOf(chunks.toSpliced(lastControl, 2))).length, 0, 'frame dropped')
})

t.test('frames without acTL mean nothing: they may stay or go, and are not looked into', async t => {
  const stray = [frameControl(5, 1, 1), ...frameData(9, Buffer.from('no zlib stream'))]
  const from = encodePng({ ...upload, after: [...stray, ...upload.after!] })
  t.same(differences(from, encodePng(result)), [])
  t.same(differences(from, encodePng({ ...result, after: [...stray, ...result.after!] })), [])
})

/** The chunks of a file as bytes. */
function allChunks(file: Buffer): Buffer[] {
  return readChunks(file).chunks.map(({ type, data }) => chunk(type, data))
}

function dataOf(bytes: Buffer): Buffer {
  return bytes.subarray(8, -4)
}
