import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { crc32, createDeflate, createInflate } from 'node:zlib'
import { ChunkReader, chunkOf } from '../codec/chunks.ts'
import { HEADER_BYTES, SIGNATURE } from '../codec/header.ts'
import { inPieces } from '../codec/pieces.ts'
import { headerChunk } from '../test/images/chunk.ts'
import { createRandom } from '../test/images/random.ts'

/** Pixels of a side: 100 megapixels, RGB, 8 bit. */
const SIDE = 10_000
const ROW_BYTES = 1 + SIDE * 3
const PIECE_BYTES = 65_536

/** How far the filtered bytes spread about 0, by turns in tiles of 256 pixels: sky, skin, grass. */
const SPREADS = [0.3, 1, 2, 5]

/**
 * Writes the picture to `path`, row by row, so that nothing ever holds it. What is made are filtered rows, whose bytes
 * lie about 0 as those of photographs do. Gives the hash of the rows with red and green exchanged.
 */
export async function writeLargePicture(path: string): Promise<string> {
  const hash = createHash('sha256')
  const deflate = createDeflate({ level: 4, memLevel: 9 })
  await pipeline(rows(hash), deflate, file, createWriteStream(path))
  return hash.digest('hex')
}

/** The hash of the rows in a file, as they are. */
export async function hashOfRows(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(() => imageData(path), createInflate(), hash)
  return hash.digest('hex')
}

async function* file(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield SIGNATURE
  yield headerChunk(SIDE, SIDE, 8, 2)
  for await (const data of inPieces(stream, PIECE_BYTES)) yield chunkOf(crc32, 'IDAT', data)
  yield chunkOf(crc32, 'IEND')
}

async function* rows(hash: { update(bytes: Buffer): unknown }): AsyncGenerator<Buffer> {
  const tables = SPREADS.map(tableOf)
  const random = createRandom('large')
  for (let y = 0; y < SIDE; y += 1) {
    const row = Buffer.alloc(ROW_BYTES)
    const exchanged = Buffer.alloc(ROW_BYTES)
    row[0] = exchanged[0] = 1 + (y % 4)
    for (let x = 0; x < SIDE; x += 1) {
      const table = tables[((x >> 8) + (y >> 8)) % tables.length] as Uint8Array
      const noise = random.next()
      const at = 1 + x * 3
      row[at] = exchanged[at + 1] = table[noise & 255] as number
      row[at + 1] = exchanged[at] = table[(noise >>> 8) & 255] as number
      row[at + 2] = exchanged[at + 2] = table[(noise >>> 16) & 255] as number
    }
    hash.update(exchanged)
    yield row
  }
}

/** Makes even noise into noise that lies about 0 as Laplace's distribution does. */
function tableOf(spread: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, index) => {
    const off = (index + 0.5) / 128 - 1
    return Math.round(-Math.sign(off) * spread * Math.log(1 - Math.abs(off)))
  })
}

async function* imageData(path: string): AsyncGenerator<Buffer> {
  const reader = new ChunkReader(createReadStream(path), Number.POSITIVE_INFINITY, crc32)
  await reader.take(HEADER_BYTES)
  for (let chunk = await reader.next(); chunk.type !== 'IEND'; chunk = await reader.next()) {
    if (chunk.type === 'IDAT') yield* reader.pieces()
    else await reader.skip()
  }
}
