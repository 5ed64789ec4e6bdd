import { opendir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageState } from '../contract.ts'
import type { ImageKey, ListedImage, ListOptions } from '../engine.ts'
import { type Fatal, type Folder, makeFolders, openFolder } from './folder.ts'
import { SEAL_BYTES } from './seal.ts'
import { ignoreAbsence } from './sealed.ts'

/**
 * Names that one look through a folder finds: bounds what a listing holds, whatever lies there. A look costs as much as there are
 * names, and who lists them all comes again for each thousand.
 */
const LOOK_NAMES = 20_000
/** For how long a look may be used, in ms, and how many lists may go on by one: that of each master, say. */
const LOOK_MS = 600_000
const MOST_LISTS = 8
/** Names that are read of a folder at once. */
const ENTRIES_AT_ONCE = 1_000
/** Files that are asked for their size and age at the same time. */
const STATS_AT_ONCE = 16

/**
 * The folders of one state: ten, by the first digit of the id, so that looking for an id's results reads a tenth of the
 * names, and the order of names is the order of folders. `7/72` is an upload, `7/72.0` a plain result, `7/72.3` that of
 * attempt 3.
 */
export interface Shelves {
  /** The folders of this state. */
  readonly paths: readonly string[]
  folderOf(id: number): Folder
  pathOf(image: ImageKey): string
  /** Attempts of which an id has results, 0 for the plain one, in rising order. */
  attemptsOf(id: number): Promise<number[]>
  list(options: ListOptions): Promise<ListedImage[]>
  close(): Promise<void>
}

export async function openShelves(
  path: string,
  state: ImageState,
  fatal: Fatal,
  lookNames = LOOK_NAMES,
): Promise<Shelves> {
  const paths = Array.from({ length: 10 }, (_, digit) => join(path, String(digit)))
  await makeFolders(paths)
  const folders = await Promise.all(paths.map(path => openFolder(path, fatal)))

  const folderOf = (id: number) => folders[Number(String(id)[0])] as Folder

  /** Of the latest lists that are not at their end, what they looked at, by the name that each listed last: for who goes on there. */
  const looks = new Map<string, Look>()
  const keep = (name: string, look: Look) => {
    looks.set(name, look)
    const [oldest = ''] = looks.keys()
    if (looks.size > MOST_LISTS) looks.delete(oldest)
  }
  const takeLook = (after: string): Look | undefined => {
    const look = looks.get(after)
    looks.delete(after)
    return look !== undefined && performance.now() - look.at < LOOK_MS ? look : undefined
  }
  /** The images of one folder in order of name, those after `after`; each with what was looked at for it, which may begin with `known`. */
  async function* imagesBehind(
    after: string,
    folder: string,
    known: Look | undefined,
  ): AsyncGenerator<Found> {
    let look = known?.folder === folder ? known : await lookThrough(folder, after, state, lookNames)
    for (let last = after; ; ) {
      const names = look.names.filter(name => name > last)
      for (let at = 0; at < names.length; at += STATS_AT_ONCE) {
        const some = names.slice(at, at + STATS_AT_ONCE)
        const images = await Promise.all(some.map(name => describe(name, folder, state)))
        for (const image of images) if (image !== undefined) yield { image, look }
      }
      if (look.isLast) return
      last = look.names.at(-1) ?? last
      look = await lookThrough(folder, last, state, lookNames)
    }
  }

  return {
    paths,
    folderOf,
    pathOf: ({ id, attempt = 0 }) =>
      join(folderOf(id).path, state === 'working' ? `${id}` : `${id}.${attempt}`),
    async attemptsOf(id) {
      const names = (await readdir(folderOf(id).path)).filter(name => name.startsWith(`${id}.`))
      const found = names.flatMap(name => parseName(state, name)?.attempt ?? [])
      return found.sort((a, b) => a - b)
    },
    async list({ olderThanMs, after, limit }) {
      const known = takeLook(after)
      const listed: ListedImage[] = []
      for (const [digit, { path }] of folders.entries()) {
        if (String(digit) < after.slice(0, 1)) continue
        for await (const { image, look } of imagesBehind(after, path, known)) {
          if (image.ageMs >= olderThanMs) listed.push(image)
          if (listed.length < limit) continue
          keep(image.name, look)
          return listed
        }
      }
      return listed
    },
    async close() {
      await Promise.all(folders.map(folder => folder.close()))
    },
  }
}

/** What one look through a folder found. */
interface Look {
  readonly folder: string
  /** When, in ms of `performance.now()`. */
  readonly at: number
  /** Names behind one, in order. */
  readonly names: readonly string[]
  /** There were no others behind these. */
  readonly isLast: boolean
}

interface Found {
  readonly image: ListedImage
  readonly look: Look
}

/** The next `most` names of a folder, found without ever holding all of them. */
async function lookThrough(folder: string, after: string, state: ImageState, most: number): Promise<Look> {
  const at = performance.now()
  let names: string[] = []
  let isLast = true
  const cut = () => {
    isLast &&= names.length <= most
    names = names.sort().slice(0, most)
  }
  for await (const { name } of await opendir(folder, { bufferSize: ENTRIES_AT_ONCE })) {
    if (name > after && parseName(state, name) !== undefined) names.push(name)
    if (names.length === 2 * most) cut()
  }
  cut()
  return { folder, at, names, isLast }
}

async function describe(name: string, folder: string, state: ImageState): Promise<ListedImage | undefined> {
  const parsed = parseName(state, name)
  const file = await stat(join(folder, name)).catch(ignoreAbsence)
  if (parsed === undefined || file === undefined) return undefined
  const ageMs = Math.max(0, Math.round(Date.now() - file.mtimeMs))
  return { name, ...parsed, bytes: Math.max(0, file.size - SEAL_BYTES), ageMs }
}

/** What a file's name says; `undefined` for a file that is none of ours. */
function parseName(state: ImageState, name: string): { id: number; attempt: number } | undefined {
  const parts = /^([0-9]{1,16})(?:\.([0-9]{1,16}))?$/.exec(name)
  if (parts === null || (state === 'working') !== (parts[2] === undefined)) return undefined
  return { id: Number(parts[1]), attempt: Number(parts[2] ?? 0) }
}
