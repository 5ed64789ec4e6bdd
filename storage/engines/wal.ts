import { statfs, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { failpoint } from '../../kit/failpoint.ts'
import { openDisk, UnaskedError } from './disk.ts'
import { makeFile, type OpenFile, openFile } from './file.ts'
import type { Fatal } from './folder.ts'
import { isNoRoom } from './incoming.ts'
import { nameOwn } from './owner.ts'
import { type Entry, encodeRecord, HEAD_BYTES, nameOf, type RecordKey, sizeOf } from './record.ts'

/** A log is made where so many times its bytes are free: it must not take the last room from images. */
const ROOM = 16
/** What was written is put on disk in its files after so long, in ms. */
const EMPTY_MS = 10_000
/** Bytes that are written at once, at most: the event loop does it. */
const BATCH_BYTES = 1024 * 1024
/** Zeros that are written at once. */
const ZEROS = Buffer.alloc(1024 * 1024)

/**
 * A write-ahead log: small images are on disk in it, many with one fsync, before they are in files of their own, which are put on disk
 * together later on (docs/decisions/044).
 */
export interface Wal {
  /**
   * Puts an entry on disk, together with all that come meanwhile, and then does `then`, at once. False, and `then` not done, when there is
   * no log, or no room in it: whoever asks has to see to the disk himself. Rejects with what `then` throws, and when the disk failed.
   */
  write(entry: Entry, then: () => void): Promise<boolean>
  /** Whether after a crash this image would be put back. */
  holds(key: RecordKey): boolean
  close(): Promise<void>
}

export interface WalOptions {
  /** The folder of the logs, on the file system of the images. */
  readonly path: string
  readonly fatal: Fatal
  /** Of the file, of which one half is written while what the other holds is put on disk; 0 for no log. */
  readonly bytes: number
  /** How often what was written is put on disk in its files, in ms; ten seconds unless said. */
  readonly emptyEveryMs?: number | undefined
}

/** One half of the file. */
interface Half {
  readonly start: number
  /** What it holds, by name. */
  readonly names: Set<string>
  /** What it holds is being put on disk in its files. */
  isBusy: boolean
}

interface Waiting {
  readonly entry: Entry
  readonly settle: (isWritten: boolean) => void
  readonly fail: (error: unknown) => void
}

/** Opens at once, and makes its file in the background, since that has to be filled first; until then there is no log. */
export function openWal(options: WalOptions): Wal {
  const { path, fatal, bytes: logBytes, emptyEveryMs = EMPTY_MS } = options
  const halfBytes = Math.floor(logBytes / 2)
  const closing = new AbortController()
  const disk = openDisk(path)
  const makeHalf = (start: number): Half => ({ start, names: new Set(), isBusy: false })
  let [half, other] = [makeHalf(0), makeHalf(halfBytes)]
  let file: OpenFile | undefined
  let ownPath = ''
  let at = 0
  let generation = 1
  let queue: Waiting[] = []
  let isWriting = false
  let writing: Promise<void> = Promise.resolve()
  let emptying: Promise<void> = Promise.resolve()
  /** What was written is old enough to be put on disk in its files. */
  let isDue = false

  /** Puts on disk what a half holds, which is forgotten then. */
  const empty = async (full: Half, opened: OpenFile) => {
    full.isBusy = true
    while (!closing.signal.aborted) {
      try {
        await disk.sync()
        await opened.write([ZEROS.subarray(0, HEAD_BYTES)], full.start)
        failpoint('storage.log.emptied')
        full.names.clear()
        full.isBusy = false
        return
      } catch (error) {
        if (!(error instanceof UnaskedError)) return fatal(error)
      }
      await delay(emptyEveryMs, undefined, { signal: closing.signal, ref: false }).catch(() => {})
    }
  }
  /** Goes on in the other half, unless what that holds is not on disk yet. */
  const turn = (opened: OpenFile): void => {
    if (other.isBusy) return
    const full = half
    half = other
    other = full
    at = 0
    generation += 1
    isDue = false
    emptying = empty(full, opened)
  }

  /** What is written next: as many of those who wait as there is room for. */
  const takeBatch = (opened: OpenFile): Waiting[] => {
    const next = sizeOf((queue[0] as Waiting).entry)
    if ((isDue || at + next > halfBytes) && next <= halfBytes) turn(opened)
    const most = Math.min(BATCH_BYTES, halfBytes - at)
    let [count, bytes] = [0, 0]
    for (const { entry } of queue) {
      bytes += sizeOf(entry)
      if (bytes > most) break
      count += 1
    }
    const batch = queue.slice(0, count)
    queue = queue.slice(count)
    return batch
  }
  const writeBatch = async (batch: readonly Waiting[], opened: OpenFile): Promise<boolean> => {
    const pieces = batch.flatMap(({ entry }) => encodeRecord(entry, generation))
    try {
      opened.writeNow(pieces, half.start + at)
    } catch (error) {
      // A file system that never writes in place may find none.
      if (isNoRoom(error)) return false
      throw error
    }
    await opened.syncData()
    failpoint('storage.log.written')
    // False once somebody took it for a dead one's, while this process stood still: nobody would find what is in it.
    return opened.hasName()
  }
  /** Writes there no more, once what it holds is on disk in its files; another one is made later. */
  const retire = async (opened: OpenFile) => {
    file = undefined
    await disk.sync()
    await emptying
    await unlink(ownPath).catch(() => {})
    opened.close()
    for (const { names } of [half, other]) names.clear()
  }
  const writeAll = async (opened: OpenFile) => {
    isWriting = true
    while (queue.length > 0) {
      const batch = takeBatch(opened)
      if (batch.length === 0) {
        queue.shift()?.settle(false)
        continue
      }
      try {
        if (!(await writeBatch(batch, opened))) {
          await retire(opened)
          for (const { settle } of [...batch, ...queue.splice(0)]) settle(false)
          break
        }
        at += batch.reduce((sum, { entry }) => sum + sizeOf(entry), 0)
        for (const { entry, settle } of batch) {
          half.names.add(nameOf(entry))
          settle(true)
        }
      } catch (error) {
        // What the disk kept is unknown, and asking again would lie.
        file = undefined
        fatal(error)
        for (const { fail } of [...batch, ...queue.splice(0)]) fail(error)
      }
    }
    if (isDue && file !== undefined) turn(opened)
    isWriting = false
  }

  /** Makes the file, full of zeros, so that to write it changes nothing but its bytes; there is none where that fails. */
  const make = async () => {
    let made: OpenFile | undefined
    try {
      const { bavail, bsize } = await statfs(path)
      if (logBytes === 0 || bavail * bsize < ROOM * logBytes) return
      await disk.sync()
      ownPath = join(path, nameOwn())
      made = makeFile(ownPath)
      for (let filled = 0; filled < logBytes; filled += ZEROS.length)
        await made.write([ZEROS.subarray(0, logBytes - filled)], filled)
      await made.sync()
      const folder = await openFile(path)
      await folder.sync().finally(() => folder.close())
      at = 0
      file = made
    } catch {
      made?.close()
      await unlink(ownPath).catch(() => {})
    }
  }
  let making = make()
  const timer = setInterval(() => {
    if (file === undefined) {
      if (isWriting) return
      making = making.then(() => (file === undefined ? make() : undefined))
      return
    }
    file.touch()
    isDue = at > 0
    if (isDue && !isWriting) turn(file)
  }, emptyEveryMs).unref()

  return {
    write(entry, then) {
      const opened = file
      if (opened === undefined) return Promise.resolve(false)
      return new Promise((resolve, reject) => {
        const settle = (isWritten: boolean) => {
          try {
            if (isWritten) then()
            resolve(isWritten)
          } catch (error) {
            reject(error)
          }
        }
        queue.push({ entry, settle, fail: reject })
        if (!isWriting) writing = writeAll(opened)
      })
    },
    holds: key => half.names.has(nameOf(key)) || other.names.has(nameOf(key)),
    async close() {
      clearInterval(timer)
      await making
      const opened = file
      file = undefined
      closing.abort()
      while (isWriting) await writing
      await emptying
      try {
        if (opened?.hasName()) {
          await disk.sync()
          await unlink(ownPath)
        }
      } catch (error) {
        // The next start finds what it holds.
        if (!(error instanceof UnaskedError)) fatal(error)
      } finally {
        opened?.close()
        disk.close()
      }
    },
  }
}
