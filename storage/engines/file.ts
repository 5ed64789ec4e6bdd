import {
  closeSync,
  createReadStream,
  fdatasync,
  fstatSync,
  fsync,
  futimes,
  open,
  openSync,
  read,
  readSync,
  writev,
  writevSync,
} from 'node:fs'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'

const openFd = promisify(open)
const readFd = promisify(read)
const writeFd = promisify(writev)
const syncFd = promisify(fsync)
const syncDataOfFd = promisify(fdatasync)

/**
 * An open file, or folder. What waits for a disk is done in a thread; what does not, making it, asking for its size, closing it, at
 * once: a thread and the way back cost more than that (docs/decisions, 028). Nothing may be under way in it when it is closed.
 */
export class OpenFile {
  #fd: number

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Of bytes. */
  size(): number {
    return fstatSync(this.#fd).size
  }

  /** Which file it is, and when it last changed: another string once either is not the same any more. */
  identity(): string {
    const { dev, ino, size, mtimeNs, ctimeNs } = fstatSync(this.#fd, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join()
  }

  /** Reads from `start` on until the buffer is full, or the file ends: how many bytes that were. */
  async read(into: Buffer, start: number): Promise<number> {
    let seen = 0
    while (seen < into.length) {
      const { bytesRead } = await readFd(this.#fd, into, seen, into.length - seen, start + seen)
      if (bytesRead === 0) break
      seen += bytesRead
    }
    return seen
  }

  /** Reads, as `read` does, at once: for little that lies in the page cache. */
  readNow(into: Buffer, start: number): number {
    let seen = 0
    while (seen < into.length) {
      const bytesRead = readSync(this.#fd, into, seen, into.length - seen, start + seen)
      if (bytesRead === 0) break
      seen += bytesRead
    }
    return seen
  }

  /** Writes all of these behind what was written before, or from `start` on. */
  async write(pieces: readonly Buffer[], start?: number): Promise<void> {
    let left = pieces
    let at = start
    while (left.length > 0) {
      const { bytesWritten } = await writeFd(this.#fd, left, at)
      left = behind(left, bytesWritten)
      if (at !== undefined) at += bytesWritten
    }
  }

  /** Writes all of these, as `write` does, at once: for little that nobody waits for on disk, since only a full page cache keeps it. */
  writeNow(pieces: readonly Buffer[], start?: number): void {
    let left = pieces
    let at = start
    while (left.length > 0) {
      const bytesWritten = writevSync(this.#fd, left, at)
      left = behind(left, bytesWritten)
      if (at !== undefined) at += bytesWritten
    }
  }

  /** Resolved means on disk. */
  sync(): Promise<void> {
    return syncFd(this.#fd)
  }

  /** Resolved means that its bytes are on disk; its times may not be. */
  syncData(): Promise<void> {
    return syncDataOfFd(this.#fd)
  }

  /** Says that it was written now, where that can be said. */
  touch(): void {
    const now = new Date()
    futimes(this.#fd, now, now, () => {})
  }

  /** False once its last name was taken away. */
  hasName(): boolean {
    return fstatSync(this.#fd).nlink > 0
  }

  /** The first `length` bytes; closes the file at its end, or when it is destroyed. */
  stream(length: number): Readable {
    return createReadStream('', { fd: this.#fd, start: 0, end: length - 1 })
  }

  close(): void {
    const fd = this.#fd
    // The next file may get the same number.
    this.#fd = -1
    closeSync(fd)
  }
}

/** Opens a file to read it: in a thread, since its name and its first bytes may have to be looked for on the disk. */
export async function openFile(path: string): Promise<OpenFile> {
  return new OpenFile(await openFd(path, 'r'))
}

/** Opens a file to read it, at once: for one that was written a moment ago, whose name is looked for on no disk. */
export function openFileNow(path: string): OpenFile {
  return new OpenFile(openSync(path, 'r'))
}

/** Opens a file that is there to write what it has anew. */
export async function reopenFile(path: string): Promise<OpenFile> {
  return new OpenFile(await openFd(path, 'r+'))
}

/** Makes a file to write it, which must not be there yet: nothing of it is on the disk. */
export function makeFile(path: string): OpenFile {
  return new OpenFile(openSync(path, 'wx'))
}

/** What is left of `pieces` behind so many bytes. */
function behind(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let done = bytes
  const left: Buffer[] = []
  for (const piece of pieces) {
    if (piece.length > done) left.push(piece.subarray(done))
    done = Math.max(0, done - piece.length)
  }
  return left
}
