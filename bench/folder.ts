import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../test/system/ending.ts'

/** What statfs(2) says of a file system in memory. */
const TMPFS = 0x01021994

/**
 * Makes a folder that is removed when this process ends. It lies on a disk: in memory an fsync costs nothing, and what is
 * durable would seem to cost nothing as well.
 */
export function makeDiskFolder(): string {
  if (statfsSync(tmpdir()).type === TMPFS)
    throw new Error(`${tmpdir()} lies in memory: set TMPDIR to a folder on a disk`)
  const path = mkdtempSync(join(tmpdir(), 'verdigris-bench-'))
  // A server that was just told to end may still write there.
  atEnd(() => rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
  return path
}
