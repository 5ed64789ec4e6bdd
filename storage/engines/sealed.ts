import { createHash, hash } from 'node:crypto'
import type { Bytes } from '../../kit/contract.ts'
import { failpoint } from '../../kit/failpoint.ts'
import { type OpenFile, openFile, openFileNow } from './file.ts'
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

export interface ReadOptions {
  readonly isWanted?: (() => boolean) | undefined
  /** It lies in the page cache: where it is small it is read at once, since a thread and the way back cost more (docs/decisions/045). */
  readonly isCached?: boolean | undefined
}

/** The files of images, as they are read. */
export interface SealedFiles {
  /**
   * Reads a file and its seal, verified before the first byte is given: `undefined` when there is none, a `CorruptError`
   * when its bytes are not those it was sealed with. Verified each time, since a disk that loses a bit leaves inode, size and
   * times as they were (docs/decisions/001); who asks for a large one while it is verified shares that. All but small ones
   * take turns: a crowd whose files were all read at the same time would leave before the first is done, and come back.
   * `unavailable` when its turn comes and it is not wanted any more.
   */
  read(path: string, options?: ReadOptions): Promise<SealedImage | undefined>
}

export function createSealedFiles(): SealedFiles {
  const turns = createTurns(READS_AT_ONCE)
  const hashes = createHashes(turns)

  const readWhole = async (file: OpenFile, length: number): Promise<SealedImage> =>
    openWhole(await readAt(file, 0, length + SEAL_BYTES))
  const readLarge = async (file: OpenFile, length: number, isWanted: () => boolean): Promise<SealedImage> => {
    const seal = openSeal(await readAt(file, length, SEAL_BYTES), length)
    checkHash(await hashes.of(file, () => hashOf(file, length), isWanted), seal)
    return { ...seal, data: file.stream(length) }
  }

  return {
    async read(path, { isWanted = () => true, isCached = false } = {}) {
      const file = await (isCached ? openNow(path) : openFile(path).catch(ignoreAbsence))
      if (file === undefined) return undefined
      let image: SealedImage | undefined
      try {
        failpoint('storage.file.found')
        const length = file.size() - SEAL_BYTES
        if (length < 0) throw new CorruptError('it is shorter than its seal')
        if (length > WHOLE_BYTES) image = await readLarge(file, length, isWanted)
        else if (length > SMALL_BYTES) image = await turns.run(() => readWhole(file, length), isWanted)
        else image = isCached ? readWholeNow(file, length) : await readWhole(file, length)
        return image
      } finally {
        // A stream closes it itself.
        if (image === undefined || Buffer.isBuffer(image.data)) file.close()
      }
    },
  }
}

function openNow(path: string): OpenFile | undefined {
  try {
    return openFileNow(path)
  } catch (error) {
    return ignoreAbsence(error as NodeJS.ErrnoException)
  }
}

function readWholeNow(file: OpenFile, length: number): SealedImage {
  const bytes = Buffer.allocUnsafe(length + SEAL_BYTES)
  requireFull(bytes, file.readNow(bytes, 0))
  return openWhole(bytes)
}

/** What a file holds, which are all of these bytes. */
function openWhole(bytes: Buffer): SealedImage {
  const length = bytes.length - SEAL_BYTES
  const data = bytes.subarray(0, length)
  const seal = openSeal(bytes.subarray(length), length)
  checkHash(hash('sha256', data, 'buffer'), seal)
  return { ...seal, data }
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

async function hashOf(file: OpenFile, length: number): Promise<Buffer> {
  const found = createHash('sha256')
  const buffer = Buffer.allocUnsafe(HASHED_BYTES)
  for (let at = 0; at < length; at += HASHED_BYTES) {
    const piece = buffer.subarray(0, Math.min(HASHED_BYTES, length - at))
    await fill(piece, file, at)
    found.update(piece)
  }
  return found.digest()
}

async function readAt(file: OpenFile, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  await fill(buffer, file, start)
  return buffer
}

async function fill(buffer: Buffer, file: OpenFile, start: number): Promise<void> {
  requireFull(buffer, await file.read(buffer, start))
}

function requireFull(buffer: Buffer, bytesRead: number): void {
  if (bytesRead < buffer.length) throw new CorruptError('it ends too early')
}

/** For `catch`: what is not there is `undefined`. */
export function ignoreAbsence(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
