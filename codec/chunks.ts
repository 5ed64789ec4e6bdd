import { broken, PngError } from './errors.ts'
import { MAX_UINT } from './header.ts'
import type { Recoder } from './recoder.ts'

/** The chunk whose data comes next. */
export interface ChunkHead {
  /** Four ASCII letters. */
  readonly type: string
  /** Bytes of data. */
  readonly length: number
}

/** A whole chunk, ready to be written (PNG third edition, section 5.3). */
export function chunkOf(crc32: Recoder['crc32'], type: string, ...data: readonly Uint8Array[]): Buffer {
  return Buffer.concat(partsOf(crc32, type, ...data))
}

/** The same as what it consists of, so that no data need be moved. */
export function partsOf(
  crc32: Recoder['crc32'],
  type: string,
  ...data: readonly Uint8Array[]
): readonly Uint8Array[] {
  const length = data.reduce((sum, part) => sum + part.length, 0)
  const head = headOf({ type, length })
  const crc = Buffer.allocUnsafe(4)
  crc.writeUInt32BE(data.reduce((sum, part) => crc32(part, sum), crc32(head.subarray(4))))
  return [head, ...data, crc]
}

/** Length and type as they stand before a chunk's data. */
export function headOf({ type, length }: ChunkHead): Buffer {
  const head = Buffer.allocUnsafe(8)
  head.writeUInt32BE(length)
  head.write(type, 4, 'latin1')
  return head
}

/** Whether a decoder must understand the chunk: bit 5 of the first letter is clear (section 5.4). */
export function isCritical(type: string): boolean {
  return (type.charCodeAt(0) & 0x20) === 0
}

/**
 * Whether an editor that does not know the chunk may keep it: bit 5 of the last letter is set (section 5.4).
 */
export function isSafeToCopy(type: string): boolean {
  return (type.charCodeAt(3) & 0x20) !== 0
}

/**
 * Reads chunks from bytes that come in pieces of any size, and holds none but the present piece. Each chunk
 * that `next` announces must be taken by one of `pieces`, `held` and `skip` before `next` is called again.
 *
 * A file that ends too early is `broken`, one longer than `maxBytes` is `too-large`; errors of the input come
 * through.
 */
export class ChunkReader {
  readonly #input: AsyncIterator<Uint8Array>
  readonly #maxBytes: number
  readonly #crc32: Recoder['crc32']
  #bytesRead = 0
  #piece: Buffer = Buffer.alloc(0)
  #left = 0
  #crc = 0
  #ordinal = 0
  /** The chunk announced last. */
  current: ChunkHead = { type: '', length: 0 }

  constructor(input: AsyncIterable<Uint8Array>, maxBytes: number, crc32: Recoder['crc32']) {
    this.#input = input[Symbol.asyncIterator]()
    this.#maxBytes = maxBytes
    this.#crc32 = crc32
  }

  /** The next `count` bytes, or fewer at the end of the input; outside of chunks. */
  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let left = count; left > 0 && (await this.#fill()); ) {
      const part = this.#cut(left)
      parts.push(part)
      left -= part.length
    }
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
  }

  /**
   * Announces the next chunk. Rejects with `broken` for a type that is not four letters and a length beyond
   * 2^31-1.
   */
  async next(): Promise<ChunkHead> {
    const head = await this.take(8)
    if (head.length < 8) throw broken('the file ends before its IEND chunk')
    const length = head.readUInt32BE(0)
    const type = head.toString('latin1', 4, 8)
    if (!/^[A-Za-z]{4}$/.test(type)) {
      throw broken(`a chunk has the type 0x${head.toString('hex', 4, 8)}, which is not four letters`)
    }
    this.#ordinal = type === this.current.type ? this.#ordinal + 1 : 1
    this.current = { type, length }
    if (length > MAX_UINT) throw broken(`${this.name} says a length beyond 2^31-1`)
    this.#left = length
    this.#crc = this.#crc32(head.subarray(4, 8))
    return this.current
  }

  /** The present chunk for a message: its type, and its place among neighbours of the same type. */
  get name(): string {
    return `${this.current.type} chunk ${this.#ordinal}`
  }

  /** The CRC of what was taken of the present chunk, as it stands behind the data. */
  get crc(): Buffer {
    const crc = Buffer.allocUnsafe(4)
    crc.writeUInt32BE(this.#crc)
    return crc
  }

  /**
   * The first bytes of the chunk's data, before `pieces`. The caller has compared `count` with the length.
   */
  async prefix(count: number): Promise<Buffer> {
    const bytes = await this.take(count)
    if (bytes.length < count) throw this.#cutShort()
    this.#left -= count
    this.#crc = this.#crc32(bytes, this.#crc)
    return bytes
  }

  /** The chunk's data as it comes. Rejects with `broken` after the last piece when the CRC is wrong. */
  async *pieces(): AsyncGenerator<Buffer> {
    while (this.#left > 0) yield await this.#data()
    if (!(await this.#crcMatches())) throw broken(`${this.name} has a wrong CRC`)
  }

  /**
   * The chunk's data as a whole; undefined when the CRC is wrong. Rejects with `too-large` as soon as more
   * than `maxBytes` of it have come, so that a length alone claims no memory.
   */
  async held(maxBytes: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = []
    for (let bytes = 0; this.#left > 0; ) {
      const part = await this.#data()
      bytes += part.length
      if (bytes > maxBytes) throw new PngError('too-large', `${this.name} is longer than ${maxBytes} bytes`)
      parts.push(part)
    }
    return (await this.#crcMatches()) ? Buffer.concat(parts) : undefined
  }

  /** Passes over the chunk, whatever its CRC. */
  async skip(): Promise<void> {
    while (this.#left > 0) await this.#data()
    await this.#crcMatches()
  }

  /** Reads on to the end of the input and forgets it; `maxBytes` still holds. */
  async drain(): Promise<void> {
    do this.#piece = this.#piece.subarray(this.#piece.length)
    while (await this.#fill())
  }

  /** Tells the input that no more is wanted. */
  async close(): Promise<void> {
    await this.#input.return?.()
  }

  async #data(): Promise<Buffer> {
    if (!(await this.#fill())) throw this.#cutShort()
    const part = this.#cut(this.#left)
    this.#left -= part.length
    this.#crc = this.#crc32(part, this.#crc)
    return part
  }

  async #crcMatches(): Promise<boolean> {
    const stored = await this.take(4)
    if (stored.length < 4) throw this.#cutShort()
    return stored.readUInt32BE(0) === this.#crc
  }

  #cutShort(): PngError {
    return broken(`the file ends inside ${this.name}`)
  }

  /** Makes sure that there is a byte to cut; false at the end of the input. */
  async #fill(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const { done, value } = await this.#input.next()
      if (done) return false
      this.#bytesRead += value.length
      if (this.#bytesRead > this.#maxBytes) {
        throw new PngError('too-large', `the file is longer than the ${this.#maxBytes} bytes allowed`)
      }
      this.#piece = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    }
    return true
  }

  #cut(count: number): Buffer {
    const part = this.#piece.subarray(0, count)
    this.#piece = this.#piece.subarray(part.length)
    return part
  }
}
