import { opendir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageState } from '../contract.ts'
import type { ImageKey, ListedImage, ListOptions } from '../engine.ts'
import { type Fatal, type Folder, makeFolders, openFolder } from './folder.ts'
import { SEAL_BYTES } from './seal.ts'
import { ignoreAbsence } from './sealed.ts'

/** Names that are looked at together: bounds what a listing holds, whatever lies there. */
const PAGE_NAMES = 1_000
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

export async function openShelves(path: string, state: ImageState, fatal: Fatal): Promise<Shelves> {
  const paths = Array.from({ length: 10 }, (_, digit) => join(path, String(digit)))
  await makeFolders(paths)
  const folders = await Promise.all(paths.map(path => openFolder(path, fatal)))

  const folderOf = (id: number) => folders[Number(String(id)[0])] as Folder

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
      const found: ListedImage[] = []
      for (const [digit, { path }] of folders.entries()) {
        if (String(digit) < after.slice(0, 1)) continue
        for await (const image of imagesBehind(after, path, state)) {
          if (image.ageMs >= olderThanMs) found.push(image)
          if (found.length === limit) return found
        }
      }
      return found
    },
    async close() {
      await Promise.all(folders.map(folder => folder.close()))
    },
  }
}

/** The images of one folder in order of name, those after `after`. */
async function* imagesBehind(after: string, folder: string, state: ImageState): AsyncGenerator<ListedImage> {
  let last: string | undefined = after
  while (last !== undefined) {
    const names: string[] = await nextNames(last, folder, state)
    last = names.length < PAGE_NAMES ? undefined : names.at(-1)
    for (let at = 0; at < names.length; at += STATS_AT_ONCE) {
      const some = names.slice(at, at + STATS_AT_ONCE)
      const images = await Promise.all(some.map(name => describe(name, folder, state)))
      for (const image of images) if (image !== undefined) yield image
    }
  }
}

/** The next thousand names, found without ever holding all of them. */
async function nextNames(after: string, folder: string, state: ImageState): Promise<string[]> {
  let names: string[] = []
  for await (const { name } of await opendir(folder, { bufferSize: PAGE_NAMES })) {
    if (name > after && parseName(state, name) !== undefined) names.push(name)
    if (names.length === 2 * PAGE_NAMES) names = names.sort().slice(0, PAGE_NAMES)
  }
  return names.sort().slice(0, PAGE_NAMES)
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
