import { crc32 } from 'node:zlib'

/** The first eight bytes of every PNG (5.2). */
export const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/** A chunk with its length and CRC (5.3). A text becomes its Latin-1 bytes, a list its bytes. */
export function chunk(type: string, data: Buffer | string | number[] = []): Buffer {
  const content = typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data)
  const bytes = Buffer.alloc(12 + content.length)
  bytes.writeUInt32BE(content.length, 0)
  bytes.write(type, 4, 'latin1')
  content.copy(bytes, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), 8 + content.length)
  return bytes
}

/** The same chunk with one bit of its CRC changed. */
export function withWrongCrc(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1]! ^= 1
  return copy
}

/** The file that these chunks make: the signature and then all of them. */
export function pngOf(chunks: Buffer[]): Buffer {
  return Buffer.concat([signature, ...chunks])
}

/** IHDR (11.2.1), also of values that are not allowed. */
export function headerChunk(
  width: number,
  height: number,
  bitDepth: number,
  colourType: number,
  isInterlaced = false,
): Buffer {
  const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, bitDepth, colourType, 0, 0, isInterlaced ? 1 : 0])
  data.writeUInt32BE(width, 0)
  data.writeUInt32BE(height, 4)
  return chunk('IHDR', data)
}

/** A zlib stream in IDAT chunks of at most `most` bytes. */
export function dataChunks(stream: Buffer, most = stream.length): Buffer[] {
  return pieces(stream, most).map(piece => chunk('IDAT', piece))
}

/** fcTL (11.3.6.2): a frame of this size at this place, shown for a tenth of a second, then disposed and blended in any way. */
export function frameControl(sequence: number, width: number, height: number, x = 0, y = 0): Buffer {
  const data = Buffer.alloc(26)
  for (const [index, value] of [sequence, width, height, x, y].entries()) data.writeUInt32BE(value, index * 4)
  data.writeUInt16BE(1, 20)
  data.writeUInt16BE(10, 22)
  data[24] = width % 3
  data[25] = height % 2
  return chunk('fcTL', data)
}

/** A zlib stream in fdAT chunks (11.3.6.3) of at most `most` bytes, numbered from `sequence` on. */
export function frameData(sequence: number, stream: Buffer, most = stream.length): Buffer[] {
  return pieces(stream, most).map((piece, index) => {
    const number = Buffer.alloc(4)
    number.writeUInt32BE(sequence + index)
    return chunk('fdAT', Buffer.concat([number, piece]))
  })
}

function pieces(stream: Buffer, most: number): Buffer[] {
  const count = Math.ceil(stream.length / most)
  return Array.from({ length: count }, (_, index) => stream.subarray(index * most, (index + 1) * most))
}
