import { opendir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { ServiceError } from '../../kit/errors.ts'
import { SEAL_BYTES } from './seal.ts'
import { ignoreAbsence } from './sealed.ts'

/** Files that are asked for their size at the same time. */
const STATS_AT_ONCE = 32
/** Names that are read of a folder at once, where only those are looked at. */
const ENTRIES_AT_ONCE = 1_000
/**
 * Between two counts passes this many times as long as a count takes, at least, since one of very many is to cost little too; and so many
 * where nobody else was found to be at work.
 */
const REST_SHARE = 19
const QUIET_REST_SHARE = 99
/** How often files are asked for their size anyway, in ms: another process may have written one anew. */
const SIZES_MS = 3_600_000

/** What an upload under way may fill, taken from what is left of the quota. */
export interface Room {
  /** Sees to it that there is room for an image of so many bytes in all; `disk-full` when there is not. */
  need(bytes: number): void
  /** Gives back what was taken; nothing the second time. */
  free(): void
}

/** How many bytes lie in the folders of the images, held against a quota. */
export interface Ledger {
  openRoom(): Room
  /** A file got its name, or lost it: what that name took before, and what it takes now. */
  note(path: string, before: number, now: number): void
  /** Bytes of all files and of the uploads under way here. A folder that was not counted yet counts as what came since. */
  bytes(): number
  /** True once every folder was counted. */
  isCounted(): boolean
  close(): void
}

export interface LedgerOptions {
  readonly folders: readonly string[]
  /** Most bytes that uploads may bring them to; 0 for as many as the disk has. */
  readonly quotaBytes: number
  /** Pause between two counts, in ms, which find out what other processes did. */
  readonly countEveryMs: number
  /** How often files are asked for their size whatever their names say, in ms; an hour unless said. */
  readonly sizesEveryMs?: number
}

/** What lies in a folder. */
interface Tally {
  readonly bytes: number
  readonly files: number
  /** The sum of the CRCs of their names. */
  readonly names: number
}
const nothing: Tally = { bytes: 0, files: 0, names: 0 }

/**
 * Counts from its opening on, in the background, one folder after the other, and rests as long as it asks for sizes; what this
 * process names and removes meanwhile is told by `note`. To ask for the size of a file takes fifty times as long as to read its name: a
 * folder that has the names it should have is not asked for sizes again.
 */
export function openLedger(options: LedgerOptions): Ledger {
  const { folders, quotaBytes, countEveryMs, sizesEveryMs = SIZES_MS } = options
  const tallies = new Map<string, Tally>()
  const closing = new AbortController()
  const { signal } = closing
  let underWay = 0
  let isCounted = false
  /** The folder that is being counted, and what `note` said of its files since that began: the count may have missed it. */
  let counting: { readonly folder: string; readonly noted: Map<string, number> } | undefined
  /** The folder whose names are being read, and how many files it had meanwhile by what was noted: at least, and at most. */
  let looking: { readonly folder: string; least: number; most: number; isNoted: boolean } | undefined

  const bytes = () => [...tallies.values()].reduce((sum, tally) => sum + tally.bytes, underWay)

  const take = (more: number) => {
    if (quotaBytes > 0 && bytes() + more > quotaBytes)
      throw new ServiceError(
        'disk-full',
        'The quota of storage is full; older images make room as they expire.',
      )
    underWay += more
  }

  const rest = (ms: number) => delay(ms, undefined, { signal, ref: false })

  const count = async (folder: string): Promise<void> => {
    const noted = new Map<string, number>()
    counting = { folder, noted }
    const found = new Map<string, number>()
    for await (const names of groupsOf(folder)) {
      const began = performance.now()
      await Promise.all(
        names.map(async name => {
          const file = await stat(join(folder, name)).catch(ignoreAbsence)
          if (file !== undefined) found.set(name, file.size)
        }),
      )
      await rest(performance.now() - began)
    }
    for (const [name, size] of noted) {
      if (size > 0) found.set(name, size)
      else found.delete(name)
    }
    tallies.set(folder, {
      bytes: [...found.values()].reduce((sum, size) => sum + size, 0),
      files: found.size,
      names: [...found.keys()].reduce((sum, name) => sum + crc32(name), 0),
    })
  }

  /** Whether a folder has the names it should have, by what was counted and noted of it; only how many, where more is noted meanwhile. */
  const isAsNoted = async (folder: string): Promise<boolean> => {
    const tally = tallies.get(folder) ?? nothing
    const look = { folder, least: tally.files, most: tally.files, isNoted: false }
    looking = look
    let files = 0
    let names = 0
    for await (const { name } of await opendir(folder, { bufferSize: ENTRIES_AT_ONCE })) {
      files += 1
      names += crc32(name)
    }
    return look.isNoted ? files >= look.least && files <= look.most : names === tally.names
  }

  const keepCounting = async () => {
    let sizedAt = Number.NEGATIVE_INFINITY
    while (!signal.aborted) {
      const began = performance.now()
      const asksSizes = began - sizedAt >= sizesEveryMs
      let isQuiet = true
      try {
        for (const folder of folders) {
          signal.throwIfAborted()
          if (!asksSizes && (await isAsNoted(folder))) continue
          await count(folder)
          isQuiet = false
        }
        isCounted = true
        if (asksSizes) sizedAt = began
      } catch {
        // Too many files are open, say: the next count may do better.
      } finally {
        counting = undefined
        looking = undefined
      }
      const restMs = (isQuiet ? QUIET_REST_SHARE : REST_SHARE) * (performance.now() - began)
      await rest(Math.max(countEveryMs, restMs)).catch(() => {})
    }
  }
  void keepCounting()

  return {
    openRoom() {
      let held = 0
      return {
        need(bytes) {
          const more = bytes + SEAL_BYTES - held
          if (more <= 0) return
          take(more)
          held += more
        },
        free() {
          underWay -= held
          held = 0
        },
      }
    },
    note(path, before, now) {
      const folder = dirname(path)
      const tally = tallies.get(folder) ?? nothing
      const more = Math.sign(now) - Math.sign(before)
      const files = tally.files + more
      const names = tally.names + more * crc32(basename(path))
      tallies.set(folder, { bytes: tally.bytes + now - before, files, names })
      if (looking?.folder === folder) {
        looking.isNoted = true
        looking.least = Math.min(looking.least, files)
        looking.most = Math.max(looking.most, files)
      }
      if (counting?.folder === folder) counting.noted.set(basename(path), now)
    },
    bytes: () => Math.max(0, bytes()),
    isCounted: () => isCounted,
    close: () => closing.abort(),
  }
}

/** The names in a folder, some at a time. */
async function* groupsOf(folder: string): AsyncGenerator<string[]> {
  let names: string[] = []
  for await (const { name } of await opendir(folder, { bufferSize: STATS_AT_ONCE })) {
    names.push(name)
    if (names.length < STATS_AT_ONCE) continue
    yield names
    names = []
  }
  yield names
}
