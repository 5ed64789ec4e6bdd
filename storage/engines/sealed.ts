import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import type { Bytes } from '../../kit/contract.ts'
import { createHashes } from './hashes.ts'
import { decodeSeal, SEAL_BYTES, type Seal } from './seal.ts'
import { createTurns } from './turns.ts'

/** Images up to this many bytes are read in one go; larger ones are streamed. */
const WHOLE_BYTES = 2 * 1024 * 1024
/** Images up to this many bytes are read as they are asked for; of larger ones only so many are read at the same time. */
const SMALL_BYTES = 64 * 1024
const READS_AT_ONCE = 8
/** Bytes that are read at once to be hashed. */
const HASHED_BYTES = 256 * 1024

/** A file that is not what was written: it is not served. */
export class CorruptError extends Error {}

/** An image and what its seal says. */
export type SealedImage = Bytes & Seal

/** The files of images, as they are read. */
export interface SealedFiles {
  /**
   * Reads a file and its seal, verified before the first byte is given: `undefined` when there is none, a `CorruptError`
   * when its bytes are not those it was sealed with. Verified each time, since a disk that loses a bit leaves inode, size and
   * times as they were (docs/decisions/001); who asks for a large one while it is verified shares that. All but small ones
   * take turns: a crowd whose files were all read at the same time would leave before the first is done, and come back.
   * `unavailable` when its turn comes and it is not wanted any more.
   */
  read(path: string, isWanted?: () => boolean): Promise<SealedImage | undefined>
}

export function createSealedFiles(): SealedFiles {
  const turns = createTurns(READS_AT_ONCE)
  const hashes = createHashes(turns)

  const readWhole = async (handle: FileHandle, length: number): Promise<SealedImage> => {
    const file = await readAt(handle, 0, length + SEAL_BYTES)
    const data = file.subarray(0, length)
    const seal = openSeal(file.subarray(length), length)
    checkHash(createHash('sha256').update(data).digest(), seal)
    return { ...seal, data }
  }
  const readLarge = async (
    handle: FileHandle,
    length: number,
    isWanted: () => boolean,
  ): Promise<SealedImage> => {
    const seal = openSeal(await readAt(handle, length, SEAL_BYTES), length)
    checkHash(await hashes.of(handle, () => hashOf(handle, length), isWanted), seal)
    return { ...seal, data: handle.createReadStream({ start: 0, end: length - 1 }) }
  }

  return {
    async read(path, isWanted = () => true) {
      const handle = await open(path, 'r').catch(ignoreAbsence)
      if (handle === undefined) return undefined
      let image: SealedImage | undefined
      try {
        const { size } = await handle.stat()
        const length = size - SEAL_BYTES
        if (length < 0) throw new CorruptError('it is shorter than its seal')
        if (length > WHOLE_BYTES) image = await readLarge(handle, length, isWanted)
        else if (length > SMALL_BYTES) image = await turns.run(() => readWhole(handle, length), isWanted)
        else image = await readWhole(handle, length)
        return image
      } finally {
        // A stream closes it itself. Nobody needs to wait for it: the file was only read.
        if (image === undefined || Buffer.isBuffer(image.data)) handle.close().catch(() => {})
      }
    },
  }
}

function openSeal(bytes: Buffer, length: number): Seal {
  const seal = decodeSeal(bytes)
  if (seal === undefined) throw new CorruptError('its seal is broken')
  if (seal.length !== length) throw new CorruptError('its length is not the one it was sealed with')
  return seal
}

function checkHash(sha256: Buffer, seal: Seal): void {
  if (!sha256.equals(seal.sha256)) throw new CorruptError('its bytes are not those it was sealed with')
}

async function hashOf(handle: FileHandle, length: number): Promise<Buffer> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(HASHED_BYTES)
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(HASHED_BYTES, length - at), at)
    if (bytesRead === 0) throw new CorruptError('it ends too early')
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return hash.digest()
}

async function readAt(handle: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  for (let seen = 0; seen < length; ) {
    const { bytesRead } = await handle.read(buffer, seen, length - seen, start + seen)
    if (bytesRead === 0) throw new CorruptError('it ends too early')
    seen += bytesRead
  }
  return buffer
}

/** For `catch`: what is not there is `undefined`. */
export function ignoreAbsence(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
