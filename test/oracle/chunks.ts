import { crc32 } from 'node:zlib'

/** The first eight bytes of every PNG (5.2). */
export const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** One chunk of a PNG (5.3). */
export interface Chunk {
  /** Four letters, for example `IDAT`. */
  readonly type: string
  /** The data field, a view on the file's bytes. */
  readonly data: Buffer
  readonly crcOk: boolean
}

export interface ChunkList {
  /** From IHDR to IEND, both included. */
  readonly chunks: Chunk[]
  /** Bytes in the file after IEND. */
  readonly trailingBytes: number
}

/** 5.4: a capital first letter means that a decoder which does not know the chunk must give up. */
export function isCritical(type: string): boolean {
  return isCapital(type, 0)
}

/** 5.4: a small fourth letter means that the chunk may be copied though the picture was changed. */
export function isSafeToCopy(type: string): boolean {
  return !isCapital(type, 3)
}

function isCapital(type: string, letter: number): boolean {
  return (type.charCodeAt(letter) & 0x20) === 0
}

/** Cuts a file into its chunks. Throws when the signature, a length, a type or a critical chunk's CRC is wrong. */
export function readChunks(file: Buffer): ChunkList {
  if (!file.subarray(0, 8).equals(signature)) throw new Error('the PNG signature is missing')
  const chunks: Chunk[] = []
  let offset = 8
  while (chunks.at(-1)?.type !== 'IEND') {
    if (offset + 12 > file.length) throw new Error(`truncated: the file ends without IEND at byte ${offset}`)
    const length = file.readUInt32BE(offset)
    const end = offset + 12 + length
    if (length > 0x7fffffff || end > file.length) throw new Error(`truncated: chunk at byte ${offset}`)
    const chunk = readChunk(file.subarray(offset, end))
    if (isCritical(chunk.type) && !chunk.crcOk) throw new Error(`wrong CRC in ${chunk.type}`)
    chunks.push(chunk)
    offset = end
  }
  return { chunks, trailingBytes: file.length - offset }
}

/** Length (4 bytes), type (4), data, CRC (4) over type and data. */
function readChunk(bytes: Buffer): Chunk {
  const type = bytes.toString('latin1', 4, 8)
  if (!/^[A-Za-z]{4}$/.test(type)) throw new Error(`not a chunk type: ${JSON.stringify(type)}`)
  const data = bytes.subarray(8, -4)
  const crcOk = crc32(bytes.subarray(4, -4)) === bytes.readUInt32BE(bytes.length - 4)
  return { type, data, crcOk }
}
