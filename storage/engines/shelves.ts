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

  /** The name that was listed last, and the last look: who goes on behind that name gets what it found. */
  let listed = ''
  let ahead: Look | undefined
  const lookBehind = async (last: string, folder: string): Promise<Look> => {
    const isAhead = ahead?.folder === folder && ahead.after <= last
    if (isAhead && ahead !== undefined && (ahead.isLast || (ahead.names.at(-1) ?? '') > last)) return ahead
    const look = await lookThrough(folder, last, state, lookNames)
    ahead = look
    return look
  }
  /** The names of a folder behind `after`, some at a time. */
  async function* namesBehind(after: string, folder: string): AsyncGenerator<string[]> {
    for (let last = after; ; ) {
      const look = await lookBehind(last, folder)
      const names = look.names.filter(name => name > last)
      for (let at = 0; at < names.length; at += STATS_AT_ONCE) yield names.slice(at, at + STATS_AT_ONCE)
      if (look.isLast) return
      last = names.at(-1) ?? last
    }
  }
  /** The images of one folder in order of name, those after `after`. */
  async function* imagesBehind(after: string, folder: string): AsyncGenerator<ListedImage> {
    for await (const names of namesBehind(after, folder)) {
      const images = await Promise.all(names.map(name => describe(name, folder, state)))
      for (const image of images) if (image !== undefined) yield image
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
      if (after === '' || after !== listed) ahead = undefined
      const found: ListedImage[] = []
      for (const [digit, { path }] of folders.entries()) {
        if (String(digit) < after.slice(0, 1)) continue
        for await (const image of imagesBehind(after, path)) {
          if (image.ageMs >= olderThanMs) found.push(image)
          if (found.length < limit) continue
          listed = image.name
          return found
        }
      }
      return found
    },
    async close() {
      await Promise.all(folders.map(folder => folder.close()))
    },
  }
}

/** What one look through a folder found. */
interface Look {
  readonly folder: string
  readonly after: string
  /** Names behind `after`, in order. */
  readonly names: readonly string[]
  /** There were no others behind these. */
  readonly isLast: boolean
}

/** The next `most` names of a folder, found without ever holding all of them. */
async function lookThrough(folder: string, after: string, state: ImageState, most: number): Promise<Look> {
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
  return { folder, after, names, isLast }
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
