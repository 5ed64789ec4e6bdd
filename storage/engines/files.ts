import { existsSync, statfsSync } from 'node:fs'
import { stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { discard } from '../../kit/body.ts'
import { isOutOfDescriptors } from '../../kit/descriptors.ts'
import { ServiceError } from '../../kit/errors.ts'
import { failpoint } from '../../kit/failpoint.ts'
import type { ImageKey, StorageEngine } from '../engine.ts'
import { reopenFile } from './file.ts'
import { type Fatal, makeFolders } from './folder.ts'
import { createIncoming, isNoRoom, type Received } from './incoming.ts'
import { openLedger, type Room } from './ledger.ts'
import type { Put } from './record.ts'
import { createRecovery } from './recovery.ts'
import { encodeSeal } from './seal.ts'
import { CorruptError, createSealedFiles, ignoreAbsence } from './sealed.ts'
import { openShelves } from './shelves.ts'
import { openWal } from './wal.ts'

/** Longest time between two sweeps of temporary files, in ms. */
const SWEEP_MS = 60_000
/** How often what lies there is looked at anew, in ms. */
const COUNT_MS = 60_000

/** Bytes of the log. */
const LOG_BYTES = 16_000_000

export interface FileStorageOptions {
  /** The folder; made when it is not there. Any number of processes may share it. */
  readonly path: string
  readonly fatal: Fatal
  /**
   * A temporary file untouched for this long, in ms, is swept. Longer than a sender may be silent, since
   * another process may be writing it.
   */
  readonly abandonedMs?: number
  /**
   * Once the files have so many bytes, uploads are refused; results never are, so that what was taken in can be finished.
   * 0, or not said: as many as the disk has. Of several processes each sees what others did at its next count.
   */
  readonly quotaBytes?: number
  /** Pause between two counts, in ms; a minute unless said. */
  readonly countEveryMs?: number
  /** Bytes of the log of small images (`wal.ts`), 0 for none; 16 MB unless said. */
  readonly logBytes?: number
  /** How often what the log holds is put on disk in its files, in ms; ten seconds unless said. */
  readonly emptyEveryMs?: number
}

/**
 * Images as files, one an image: its bytes and behind them a seal, so that what was promised of the bytes gets its name in
 * the same step as the bytes (docs/decisions/001). All state is in the file system.
 */
export async function openFileStorage(options: FileStorageOptions): Promise<StorageEngine> {
  const {
    path,
    fatal,
    abandonedMs = 60_000,
    quotaBytes = 0,
    countEveryMs = COUNT_MS,
    logBytes = LOG_BYTES,
  } = options
  const logs = join(path, 'log')
  await makeFolders([dirname(path), path, join(path, 'incoming'), logs])
  const shelves = {
    working: await openShelves(join(path, 'working'), 'working', fatal),
    finished: await openShelves(join(path, 'finished'), 'finished', fatal),
  }
  failpoint('storage.folders.made')
  const incoming = createIncoming({ path: join(path, 'incoming'), abandonedMs, fatal })
  const folders = [...shelves.working.paths, ...shelves.finished.paths]
  const ledger = openLedger({ folders, quotaBytes, countEveryMs })
  const files = createSealedFiles()
  let corrupt = 0

  /**
   * Sees to it that an image of a log is there and on disk. What is read may be in memory alone, after a disk has failed: a good one is
   * written anew in its place.
   */
  const restore = async ({ data, seal, ...image }: Put) => {
    const path = shelves[image.state].pathOf(image)
    const there = await readOrCorrupt(path).catch(error => {
      if ((error as NodeJS.ErrnoException).code === 'EIO') return 'corrupt' as const
      throw error
    })
    if (there === undefined || there === 'corrupt') {
      const file = await incoming.receive({ data }, { maxBytes: data.length })
      if (there === 'corrupt') file.moveTo(path)
      else file.linkTo(path)
      await file.discard()
    } else {
      discard(there)
      const file = await reopenFile(path).catch(ignoreAbsence)
      if (file === undefined) return
      try {
        if (there.sha256.equals(seal.sha256)) file.writeNow([data, encodeSeal(seal)], 0)
        await file.sync()
      } finally {
        file.close()
      }
    }
    await shelves[image.state].folderOf(image.id).sync()
  }
  const readOrCorrupt = (path: string) =>
    files.read(path).catch(error => {
      if (error instanceof CorruptError) return 'corrupt' as const
      throw error
    })
  const recovery = createRecovery({ path: logs, restore })
  // Where there is no room it is gone on with later.
  await recovery.run().catch(ignoreNoRoom)
  const wal = openWal({ path: logs, fatal, bytes: logBytes, emptyEveryMs: options.emptyEveryMs })

  const sweep = async () => {
    await incoming.sweep()
    await recovery.run()
  }
  let sweeping = incoming.sweep()
  await sweeping
  const timer = setInterval(
    () => {
      // What cannot be swept now is swept a minute later.
      sweeping = sweep().catch(() => {})
    },
    Math.min(SWEEP_MS, abandonedMs),
  ).unref()

  const readNamed = (image: ImageKey, isWanted?: () => boolean) => {
    // What the log holds this process wrote within the last seconds.
    const isCached = wal.holds({ ...image, attempt: image.attempt ?? 0 })
    return files.read(shelves[image.state].pathOf(image), { isWanted, isCached }).catch(asUnread)
  }
  const read = async (image: ImageKey, isWanted?: () => boolean) => {
    const found = await readNamed(image, isWanted)
    if (found !== undefined || image.state === 'working' || image.attempt !== undefined) return found
    const attempt = (await shelves.finished.attemptsOf(image.id).catch(asRefusal)).at(-1)
    return attempt === undefined ? undefined : readNamed({ ...image, attempt }, isWanted)
  }

  /** Gives a file the name; the bytes of the file that had it. */
  const replace = async (file: Received, path: string): Promise<number> => {
    const before = await stat(path).catch(ignoreAbsence)
    file.moveTo(path)
    return before?.size ?? 0
  }

  /**
   * Names the result of an attempt, which keeps the bytes it first had: `undefined` when it has them already. A corrupt one
   * has lost them: it is replaced.
   */
  const nameOnce = async (file: Received, path: string): Promise<number | undefined> => {
    while (!file.linkTo(path)) {
      const there = await readOrCorrupt(path)
      if (there === 'corrupt') return replace(file, path)
      if (there === undefined) continue
      discard(there)
      if (there.sha256.equals(file.seal.sha256)) return undefined
      throw new ServiceError('conflict', 'This attempt has another result already.')
    }
    return 0
  }

  /** Gives an image its name; the bytes of what had it, `undefined` when it is there already. */
  const name = async (file: Received, path: string, { attempt = 0 }: ImageKey, isNew: boolean) => {
    if (attempt > 0) return nameOnce(file, path)
    if (!isNew) return replace(file, path)
    if (file.linkTo(path)) return 0
    throw new ServiceError('conflict', 'There is such an image already.')
  }

  /** Names a small image once it is in the log: true when that was done. Its file is put on disk later on. */
  const nameByLog = async (file: Received, path: string, put: Put, room: Room | undefined) => {
    let isNamed = false
    const name = () => {
      isNamed = file.linkTo(path)
      if (!isNamed) return
      room?.free()
      ledger.note(path, 0, file.bytes)
    }
    try {
      await wal.write(put, name)
    } catch (error) {
      // It is refused: a crash must not bring it.
      await wal.write({ ...put, kind: 'removed' }, () => {})
      throw error
    }
    return isNamed
  }

  const removeFile = async (image: ImageKey & { attempt: number }, olderThanMs: number) => {
    const path = shelves[image.state].pathOf(image)
    const file = await stat(path).catch(ignoreAbsence)
    if (file === undefined || Date.now() - file.mtimeMs < olderThanMs) return
    // A crash would bring it back.
    if (wal.holds(image)) await wal.write({ ...image, kind: 'removed' }, () => {})
    const isGone = await unlink(path).then(() => true, ignoreAbsence)
    if (isGone) ledger.note(path, file.size, 0)
  }

  return {
    async put(image, body, { maxBytes, saidBytes, isNew }) {
      const path = shelves[image.state].pathOf(image)
      const room = image.state === 'working' ? ledger.openRoom() : undefined
      let file: Received | undefined
      try {
        const { data } = body
        const { id, state, attempt = 0 } = image
        // What comes whole is small. Where something has the name already, that decides what becomes of it.
        const isLogged = Buffer.isBuffer(data) && (isNew || attempt > 0) && !existsSync(path)
        file = await incoming.receive(body, { maxBytes, saidBytes, room, isSyncedLater: isLogged })
        if (isLogged) {
          const put = { kind: 'put', id, state, attempt, data, seal: file.seal } as const
          if (await nameByLog(file, path, put, room)) return await file.discard()
          await file.sync()
        }
        const before = await name(file, path, image, isNew)
        room?.free()
        if (before !== undefined) ledger.note(path, before, file.bytes)
        await Promise.all([shelves[image.state].folderOf(image.id).sync(), file.discard()])
      } catch (error) {
        room?.free()
        await file?.discard()
        return asRefusal(error)
      }
    },
    async get(image, isWanted) {
      try {
        return await read(image, isWanted)
      } catch (error) {
        if (!(error instanceof CorruptError)) throw error
        corrupt += 1
        const name = `${image.state} ${image.id}${image.attempt === undefined ? '' : `.${image.attempt}`}`
        throw new ServiceError('internal', `The image ${name} is corrupt: ${error.message}.`)
      }
    },
    // Not synced: one that a power cut brings back is an orphan, and swept as one.
    async remove(image, olderThanMs = 0) {
      const { state, id, attempt } = image
      const attempts =
        state === 'working' || attempt !== undefined
          ? [attempt ?? 0]
          : await shelves[state].attemptsOf(id).catch(asRefusal)
      const removals = attempts.map(attempt => removeFile({ id, state, attempt }, olderThanMs))
      await Promise.all(removals).catch(asRefusal)
      failpoint('storage.image.removed')
    },
    list: options => shelves[options.state].list(options).catch(asRefusal),
    corruptCount: () => corrupt,
    usage() {
      const { bavail, bsize } = statfsSync(path)
      return { bytes: ledger.bytes(), quotaBytes, freeBytes: bavail * bsize, isCounted: ledger.isCounted() }
    },
    async close() {
      clearInterval(timer)
      ledger.close()
      await sweeping
      await wal.close()
      await Promise.all([shelves.working.close(), shelves.finished.close()])
    },
  }
}

/** For `catch`: that the disk is full. */
function ignoreNoRoom(error: unknown): void {
  if (!isNoRoom(error)) throw error
}

/** What a disk that cannot be read says: nothing against the image, which may be there in a while. */
function asUnread(error: unknown): never {
  const { syscall } = error as NodeJS.ErrnoException
  if (syscall === undefined || isOutOfDescriptors(error)) return asRefusal(error)
  throw new ServiceError('unreadable', 'The image cannot be read now.', { cause: error })
}

/** What a file system says, as a refusal where it is one that a caller may act on. */
function asRefusal(error: unknown): never {
  const cause = error
  if (isNoRoom(error)) throw new ServiceError('disk-full', 'The disk, or the quota, is full.', { cause })
  if (isOutOfDescriptors(error)) throw new ServiceError('unavailable', 'Too many files are open.', { cause })
  throw error
}
