import { readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { standingOf } from './owner.ts'
import { decodeRecords, type Entry, nameOf, type Put } from './record.ts'
import { ignoreAbsence } from './sealed.ts'

/** A log that nobody touched for so long is nobody's any more, in ms; its owner touches it every ten seconds. */
const FORGOTTEN_MS = 60_000
/** Images that are put back at the same time. */
const IMAGES_AT_ONCE = 16

export interface RecoveryOptions {
  /** The folder of the logs. */
  readonly path: string
  /** Sees to it that an image is there, and that it is on disk whatever was before. */
  readonly restore: (put: Put) => Promise<void>
}

/** What is left of processes that are no more. */
export interface Recovery {
  /**
   * Puts back what their logs hold, and takes the logs away; safe to be repeated. A log of which it cannot be told whether its owner lives,
   * in another container, say, is read once, and goes when it was not touched for a while.
   */
  run(): Promise<void>
}

export function createRecovery({ path, restore }: RecoveryOptions): Recovery {
  const read = new Set<string>()

  const replay = async (name: string) => {
    const log = await readFile(join(path, name)).catch(ignoreAbsence)
    const puts = log === undefined ? [] : lastOf(readLog(log))
    for (let at = 0; at < puts.length; at += IMAGES_AT_ONCE)
      await Promise.all(puts.slice(at, at + IMAGES_AT_ONCE).map(restore))
    read.add(name)
  }
  return {
    async run() {
      for (const name of await readdir(path)) {
        const standing = standingOf(name)
        if (standing === 'alive') continue
        if (!read.has(name)) await replay(name)
        if (standing === 'unknown' && !(await isForgotten(join(path, name)))) continue
        await unlink(join(path, name)).catch(ignoreAbsence)
        read.delete(name)
      }
    },
  }
}

/** All entries of a log, in the order in which they were written. */
function readLog(log: Buffer): Entry[] {
  const middle = Math.floor(log.length / 2)
  const halves = [log.subarray(0, middle), log.subarray(middle)].map(decodeRecords)
  return halves.sort((a, b) => a.generation - b.generation).flatMap(({ entries }) => entries)
}

/** What is to be there in the end: of each name what was put there first, or first since it was removed. */
function lastOf(entries: readonly Entry[]): Put[] {
  const puts = new Map<string, Put>()
  for (const entry of entries) {
    const name = nameOf(entry)
    if (entry.kind === 'removed') puts.delete(name)
    else if (!puts.has(name)) puts.set(name, entry)
  }
  return [...puts.values()]
}

async function isForgotten(path: string): Promise<boolean> {
  const file = await stat(path).catch(ignoreAbsence)
  return file !== undefined && Date.now() - file.mtimeMs > FORGOTTEN_MS
}
