import type { BigIntStats } from 'node:fs'

/** How many files are remembered. */
const LIMIT = 10_000
/**
 * A file younger than this, in ms, is not remembered: a change within one tick of the file system's clock (4 ms on ext4,
 * 2 s on FAT) would leave its times as they are.
 */
const SETTLED_MS = 2_500

/** Files that were verified lately. */
export interface VerifiedFiles {
  /** True when this very file was verified and has the same inode, size and times since. */
  has(stat: BigIntStats): boolean
  /** Remembers a file; `stat` is from before it was read. */
  add(stat: BigIntStats): void
}

/** Remembers in memory, those asked for lately longest. `now` is the wall clock in ms, which file systems use. */
export function createVerifiedFiles({ limit = LIMIT, now = Date.now } = {}): VerifiedFiles {
  const stamps = new Set<string>()
  return {
    has(stat) {
      const stamp = stampOf(stat)
      if (!stamps.delete(stamp)) return false
      stamps.add(stamp)
      return true
    },
    add(stat) {
      if (now() - Number(stat.ctimeMs) < SETTLED_MS) return
      stamps.add(stampOf(stat))
      const [oldest] = stamps
      if (stamps.size > limit && oldest !== undefined) stamps.delete(oldest)
    },
  }
}

const stampOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats) =>
  `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
