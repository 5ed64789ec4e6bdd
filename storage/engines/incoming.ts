import { createHash, hash, randomUUID } from 'node:crypto'
import { linkSync, renameSync, unlinkSync } from 'node:fs'
import { readdir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { discard, unheard } from '../../kit/body.ts'
import type { Bytes } from '../../kit/contract.ts'
import { ServiceError } from '../../kit/errors.ts'
import { failpoint } from '../../kit/failpoint.ts'
import { Flow } from '../../kit/flow.ts'
import { makeFile, type OpenFile, openFile } from './file.ts'
import type { Fatal } from './folder.ts'
import type { Room } from './ledger.ts'
import { encodeSeal, SEAL_BYTES, type Seal } from './seal.ts'
import { ignoreAbsence } from './sealed.ts'

/**
 * Pieces of a stream are written together once they have so many bytes, since each write is a turn of a thread; or once the first
 * of them came so long ago, in ms: a file that is written slowly must not look abandoned.
 */
const WRITE_BYTES = 256 * 1024
const WRITE_MS = 1_000

/** A file with its seal that has no name yet by which it could be read; it is on disk unless that was to be left for later. */
export interface Received {
  readonly seal: Seal
  /** Of the file. */
  readonly bytes: number
  /** Gives it a name; what had that name before is gone in the same step. */
  moveTo(path: string): void
  /** Gives it a name that nothing has; false when something has it. */
  linkTo(path: string): boolean
  /** Puts it on disk, where that was left for later; not once its temporary name is gone. */
  sync(): Promise<void>
  /** Takes away the temporary name. To be called whatever became of the file; never rejects. */
  discard(): Promise<void>
}

/** What a body is held to. */
export interface Limits {
  readonly maxBytes: number
  /** Bytes that its sender says it has at most, where it comes without a length. */
  readonly saidBytes?: number | undefined
  /** What it may fill; as much as the disk has where there is none. */
  readonly room?: Room | undefined
  /** Leaves it to the caller to put the file on disk. */
  readonly isSyncedLater?: boolean
}

export interface Incoming {
  /**
   * Writes a body and its seal to a file of its own, within the limits. Resolved means that its bytes are on disk, unless that is left for later; a body
   * that is refused is read no further.
   */
  receive(body: Bytes, limits: Limits): Promise<Received>
  /** Removes what processes that are no more have left. */
  sweep(): Promise<void>
}

export interface IncomingOptions {
  /** The folder of the temporary files, on the file system of the images. Any number of processes may share it. */
  readonly path: string
  /** A temporary file untouched for this long, in ms, was left by a process that is no more. */
  readonly abandonedMs: number
  readonly fatal: Fatal
}

export function createIncoming({ path: folder, abandonedMs, fatal }: IncomingOptions): Incoming {
  // A wall clock that jumps must not make this process sweep what it is writing.
  const inHand = new Set<string>()

  /** With its last name a large file gives back its blocks, which takes as long as it takes: in a thread. */
  const remove = async (name: string, hasAnother = false) => {
    const path = join(folder, name)
    try {
      if (hasAnother) unlinkSync(path)
      else await unlink(path)
      failpoint('storage.file.discarded')
    } catch {
      // It is swept when it is old enough.
    }
    inHand.delete(name)
  }

  return {
    async receive(body, limits) {
      const name = randomUUID()
      const path = join(folder, name)
      inHand.add(name)
      if (!Buffer.isBuffer(body.data)) body.data.on('error', unheard)
      try {
        const seal = await write(path, body, limits, fatal)
        let isLinked = false
        return {
          seal,
          bytes: seal.length + SEAL_BYTES,
          moveTo(target) {
            renameSync(path, target)
            inHand.delete(name)
            failpoint('storage.image.named')
          },
          linkTo(target) {
            try {
              linkSync(path, target)
            } catch (error) {
              return isTaken(error as NodeJS.ErrnoException)
            }
            isLinked = true
            failpoint('storage.image.named')
            return true
          },
          async sync() {
            const file = await openFile(path)
            await sync(file, fatal).finally(() => file.close())
          },
          discard: async () => (inHand.has(name) ? remove(name, isLinked) : undefined),
        }
      } catch (error) {
        discard(body)
        await remove(name)
        throw error
      }
    },
    async sweep() {
      for (const name of await readdir(folder)) {
        if (inHand.has(name)) continue
        const file = await stat(join(folder, name)).catch(ignoreAbsence)
        if (file !== undefined && Date.now() - file.mtimeMs > abandonedMs) {
          await remove(name)
          failpoint('storage.leftover.swept')
        }
      }
    },
  }
}

async function write(path: string, body: Bytes, limits: Limits, fatal: Fatal): Promise<Seal> {
  const { maxBytes, saidBytes = 0, room, isSyncedLater = false } = limits
  const announced = Buffer.isBuffer(body.data) ? body.data.length : (body.length ?? 0)
  if (announced > maxBytes) throw tooLarge(maxBytes)
  // Several without a length would otherwise fill the quota together, and none of them get in.
  room?.need(Math.max(announced, Math.min(saidBytes, maxBytes)))
  const file = makeFile(path)
  try {
    failpoint('storage.file.opened')
    const seal = await writeSealed(file, body, limits)
    failpoint('storage.file.written')
    if (!isSyncedLater) await sync(file, fatal)
    return seal
  } finally {
    file.close()
  }
}

async function sync(file: OpenFile, fatal: Fatal): Promise<void> {
  try {
    await file.sync()
    failpoint('storage.file.synced')
  } catch (error) {
    // No room was found for what is thrown away now: that is known, and nobody was told otherwise.
    if (!isNoRoom(error)) fatal(error)
    throw error
  }
}

async function writeSealed(
  file: OpenFile,
  { data }: Bytes,
  { maxBytes, room, isSyncedLater }: Limits,
): Promise<Seal> {
  if (Buffer.isBuffer(data)) {
    const seal = sealOf(data.length, () => hash('sha256', data, 'buffer'))
    if (isSyncedLater) file.writeNow([data, encodeSeal(seal)])
    else await file.write([data, encodeSeal(seal)])
    return seal
  }
  const found = createHash('sha256')
  let length = 0
  let held: Buffer[] = []
  let heldBytes = 0
  let heldSince = performance.now()
  for await (const piece of new Flow(data)) {
    length += piece.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    room?.need(length)
    found.update(piece)
    if (held.length === 0) heldSince = performance.now()
    held.push(piece)
    heldBytes += piece.length
    if (heldBytes < WRITE_BYTES && performance.now() - heldSince < WRITE_MS) continue
    await file.write(held)
    held = []
    heldBytes = 0
  }
  const seal = sealOf(length, () => found.digest())
  await file.write([...held, encodeSeal(seal)])
  return seal
}

function sealOf(length: number, hashed: () => Buffer): Seal {
  if (length === 0) throw new ServiceError('bad-request', 'The body is empty.')
  return { length, sha256: hashed() }
}

/** True when the disk, or the quota, is full. */
export function isNoRoom(error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function isTaken(error: NodeJS.ErrnoException): false {
  if (error.code !== 'EEXIST') throw error
  return false
}

const tooLarge = (maxBytes: number) =>
  new ServiceError('too-large', `The image is larger than ${maxBytes} bytes.`)
