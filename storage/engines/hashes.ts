import type { FileHandle } from 'node:fs/promises'
import type { Turns } from './turns.ts'

/** The SHA-256 of large files that several ask for at the same moment. */
export interface Hashes {
  /**
   * The hash of an open file: the one that is being found where neither inode, length nor times changed since it was asked
   * for, otherwise what `find` gives when its turn comes. Nothing is remembered beyond the end of it. Rejects with
   * `unavailable` when its turn comes and nobody who asked wants it any more.
   */
  of(handle: FileHandle, find: () => Promise<Buffer>, isWanted: () => boolean): Promise<Buffer>
}

/** A hash that is being found, and those who asked for it. */
interface Finding {
  readonly hash: Promise<Buffer>
  readonly askers: (() => boolean)[]
}

export function createHashes(turns: Turns): Hashes {
  const underWay = new Map<string, Finding>()
  return {
    async of(handle, find, isWanted) {
      const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true })
      const file = [dev, ino, size, mtimeNs, ctimeNs].join()
      const known = underWay.get(file)
      if (known !== undefined) {
        known.askers.push(isWanted)
        return known.hash
      }
      const askers = [isWanted]
      const hash = turns.run(find, () => askers.some(asks => asks())).finally(() => underWay.delete(file))
      underWay.set(file, { hash, askers })
      return hash
    },
  }
}
