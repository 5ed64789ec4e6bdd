import type { OpenFile } from './file.ts'
import type { Turns } from './turns.ts'

/** The SHA-256 of large files that several ask for at the same moment. */
export interface Hashes {
  /**
   * The hash of an open file: the one that is being found where neither inode, length nor times changed since it was asked
   * for, otherwise what `find` gives when its turn comes. Nothing is remembered beyond the end of it. Rejects with
   * `unavailable` when its turn comes and nobody who asked wants it any more.
   */
  of(file: OpenFile, find: () => Promise<Buffer>, isWanted: () => boolean): Promise<Buffer>
}

/** A hash that is being found, and those who asked for it. */
interface Finding {
  readonly hash: Promise<Buffer>
  readonly askers: (() => boolean)[]
}

export function createHashes(turns: Turns): Hashes {
  const underWay = new Map<string, Finding>()
  return {
    of(file, find, isWanted) {
      const identity = file.identity()
      const known = underWay.get(identity)
      if (known !== undefined) {
        known.askers.push(isWanted)
        return known.hash
      }
      const askers = [isWanted]
      const hash = turns.run(find, () => askers.some(asks => asks())).finally(() => underWay.delete(identity))
      underWay.set(identity, { hash, askers })
      return hash
    },
  }
}
