import { opendir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ServiceError } from '../../kit/errors.ts'
import { SEAL_BYTES } from './seal.ts'
import { ignoreAbsence } from './sealed.ts'

/** Files that are asked for their size at the same time. */
const STATS_AT_ONCE = 32
/** Between two counts passes this many times as long as a count takes, at least: a count of very many costs little too. */
const REST_SHARE = 19

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
}

/**
 * Counts from its opening on, in the background, one folder after the other, and rests as long as it works; what this
 * process names and removes meanwhile is told by `note`.
 */
export function openLedger({ folders, quotaBytes, countEveryMs }: LedgerOptions): Ledger {
  const totals = new Map<string, number>()
  const closing = new AbortController()
  const { signal } = closing
  let underWay = 0
  let isCounted = false
  /** The folder that is being counted, and what `note` said of its files since that began: the count may have missed it. */
  let counting: { readonly folder: string; readonly noted: Map<string, number> } | undefined

  const bytes = () => [...totals.values()].reduce((sum, total) => sum + total, underWay)

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
    for (const [name, size] of noted) found.set(name, size)
    counting = undefined
    totals.set(
      folder,
      [...found.values()].reduce((sum, size) => sum + size, 0),
    )
  }

  const keepCounting = async () => {
    while (!signal.aborted) {
      const began = performance.now()
      try {
        for (const folder of folders) await count(folder)
        isCounted = true
      } catch {
        // Too many files are open, say: the next count may do better.
      }
      await rest(Math.max(countEveryMs, REST_SHARE * (performance.now() - began))).catch(() => {})
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
      totals.set(folder, (totals.get(folder) ?? 0) + now - before)
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
