import type { FileHandle } from 'node:fs/promises'

/** The SHA-256 of large files that several ask for at the same moment. */
export interface Hashes {
  /**
   * The hash of an open file: the one that is being found where neither inode, length nor times changed since that began,
   * otherwise what `find` gives. Nothing is remembered beyond the end of it.
   */
  of(handle: FileHandle, find: () => Promise<Buffer>): Promise<Buffer>
}

export function createHashes(): Hashes {
  const underWay = new Map<string, Promise<Buffer>>()
  return {
    async of(handle, find) {
      const { dev, ino, size, mtimeNs, ctimeNs } = await handle.stat({ bigint: true })
      const file = [dev, ino, size, mtimeNs, ctimeNs].join()
      const known = underWay.get(file)
      if (known !== undefined) return known
      const finding = find().finally(() => underWay.delete(file))
      underWay.set(file, finding)
      return finding
    },
  }
}
