import { deflateRawSync, deflateSync } from 'node:zlib'
import { chunk, dataChunks, headerChunk, pngOf, withWrongCrc } from './chunk.ts'
import { encodePng, headChunks, imageChunks, imageStream, type NamedImage, type Picture } from './encode.ts'
import { everyFormat, nameOf, plain } from './formats.ts'
import { scanlines } from './scanlines.ts'

export interface Failure extends NamedImage {
  readonly reason: RegExp
}

/** One of each way that colours are treated: RGB, palette, grey, and RGBA of 16 bit interlaced. */
const pictures: Picture[] = [5, 10, 3, 14].map((index, i) => ({
  ...plain,
  ...everyFormat[index]!,
  interlaced: i === 3,
}))
const end = chunk('IEND')

const cut = /truncat|cut|short|ends?\b|incomplete|missing|IEND/i
const rows = /inflat|row|few|many|more|less|short|long|length|truncat|size|data|pixel/i
const zlib = /zlib|inflat|deflat|compress|check|adler|header|data|block|stream/i
const order =
  /order|consecutive|place|before|after|missing|unexpected|twice|second|more than one|duplicate|IDAT|IHDR/i

/** Files whose first 33 bytes are right, and which no decoder may take. */
export function brokenData(): Failure[] {
  return [
    ...pictures.flatMap(picture => [...streams(picture), ...chunkFaults(picture)]),
    ...palettes(),
    ...strangers(),
  ]
}

/** Faults inside the zlib stream; every CRC is right. */
function streams(picture: Picture): Failure[] {
  const stream = imageStream(picture)
  const filtered = scanlines({ ...picture, samples: new Uint8Array(32 * 32 * 4) }, 0)
  const rowBytes = filtered.length / 32
  const withFilter = Buffer.from(filtered)
  withFilter[picture.interlaced ? 0 : Math.floor(rowBytes) * 5] = 5
  const wrongSum = Buffer.from(stream)
  wrongSum[wrongSum.length - 1]! ^= 1
  const wrongHead = Buffer.from(stream)
  wrongHead[0] = 0x79
  const made = (name: string, reason: RegExp, bytes: Buffer) => ({
    name: `${name}, ${nameOf(picture)}`,
    reason,
    bytes: pngOf([...headChunks(picture), ...dataChunks(bytes), end]),
  })
  return [
    made('one byte too few inflated', rows, deflateSync(filtered.subarray(0, -1))),
    made('half the rows', rows, deflateSync(filtered.subarray(0, filtered.length / 2))),
    made('no rows', rows, deflateSync(Buffer.alloc(0))),
    made('one byte too many inflated', rows, deflateSync(Buffer.concat([filtered, Buffer.alloc(1)]))),
    made('twice the rows', rows, deflateSync(Buffer.concat([filtered, filtered]))),
    made('filter byte 5', /filter/i, deflateSync(withFilter)),
    made('wrong Adler-32', zlib, wrongSum),
    made('Adler-32 missing', /./, stream.subarray(0, -4)),
    made('zlib stream cut in half', /./, stream.subarray(0, stream.length / 2)),
    made('wrong zlib header', zlib, wrongHead),
    made('no zlib header', zlib, deflateRawSync(filtered, { level: 0 })),
    made('noise in place of a zlib stream', zlib, Buffer.from('abcdefgh'.repeat(20))),
  ]
}

/** Faults in how the file is cut into chunks. */
function chunkFaults(picture: Picture): Failure[] {
  const bytes = encodePng(picture)
  const head = headChunks(picture)
  const data = imageChunks(picture)
  const halves = imageChunks({ ...picture, idatBytes: 900 })
  const made = (name: string, reason: RegExp, file: Buffer) => ({
    name: `${name}, ${nameOf(picture)}`,
    reason,
    bytes: file,
  })
  const lengthen = (length: number) => {
    const long = Buffer.concat(data)
    long.writeUInt32BE(length, 0)
    return pngOf([...head, long, end])
  }
  return [
    made('cut in half', cut, bytes.subarray(0, bytes.length / 2)),
    made('last byte missing', cut, bytes.subarray(0, -1)),
    made('IEND missing', cut, bytes.subarray(0, -12)),
    made('cut in the length of a chunk', cut, bytes.subarray(0, -10)),
    made('only IHDR', /IDAT|data|truncat|end|short/i, pngOf(head.slice(0, 1))),
    made('wrong CRC in IDAT', /CRC/i, pngOf([...head, withWrongCrc(data[0]!), end])),
    made('wrong CRC in IEND', /CRC/i, pngOf([...head, ...data, withWrongCrc(end)])),
    made('IDAT missing', /IDAT|data/i, pngOf([...head, end])),
    made(
      'text between IDAT',
      order,
      pngOf([...head, halves[0]!, chunk('tEXt', 'a\0b'), ...halves.slice(1), end]),
    ),
    made('IHDR twice', order, pngOf([...head, head[0]!, ...data, end])),
    made(
      'unknown critical chunk',
      /critical|unknown|chunk/i,
      pngOf([...head, chunk('NOTE', 'x'), ...data, end]),
    ),
    made('IDAT longer than the file', cut, lengthen(1_000_000)),
    made('IDAT of 2^31 bytes', /./, lengthen(2 ** 31)),
    made('IDAT of 2^32-1 bytes', /./, lengthen(2 ** 32 - 1)),
  ]
}

/** PLTE (11.2.2): three bytes an entry, 1 to 256 of them, before IDAT, once. */
function palettes(): Failure[] {
  const picture: Picture = { ...plain, colourType: 3 }
  const header = headerChunk(32, 32, 8, 3)
  const data = imageChunks(picture)
  const entries = Buffer.alloc(768, 1)
  const plte = chunk('PLTE', entries)
  const made = (name: string, ...chunks: Buffer[]) => ({
    name,
    reason: /PLTE|palette|CRC/i,
    bytes: pngOf([header, ...chunks, end]),
  })
  return [
    made('PLTE missing', ...data),
    made('PLTE of 257 entries', chunk('PLTE', Buffer.alloc(771)), ...data),
    made('PLTE of 100,000 entries', chunk('PLTE', Buffer.alloc(300_000)), ...data),
    made('PLTE of 7 bytes', chunk('PLTE', entries.subarray(0, 7)), ...data),
    made('PLTE empty', chunk('PLTE'), ...data),
    made('PLTE after IDAT', ...data, plte),
    made('PLTE twice', plte, plte, ...data),
    made('wrong CRC in PLTE', withWrongCrc(plte), ...data),
  ]
}

function strangers(): Failure[] {
  const [head, data] = [headChunks(plain), imageChunks(plain)]
  const reason = /critical|unknown|type|chunk|letter/i
  return [
    { name: 'chunk type that is no letters', reason, bytes: pngOf([...head, chunk('1234'), ...data, end]) },
    { name: 'chunk type of zeros', reason, bytes: pngOf([...head, chunk('\0\0\0\0'), ...data, end]) },
    { name: 'critical chunk after IDAT', reason, bytes: pngOf([...head, ...data, chunk('SECR', 'x'), end]) },
  ]
}
