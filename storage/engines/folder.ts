import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { failpoint } from '../../kit/failpoint.ts'
import { openFile } from './file.ts'

/** Told of an fsync that failed. It must end the process: what the disk kept is unknown, and asking again would lie. */
export type Fatal = (error: unknown) => void

/** A folder whose names can be put on disk. */
export interface Folder {
  readonly path: string
  /** Resolves once every name given or taken before the call is on disk. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Opens a folder that is there. */
export async function openFolder(path: string, fatal: Fatal): Promise<Folder> {
  const folder = await openFile(path)
  const syncOnce = async () => {
    await folder.sync()
    failpoint('storage.folder.synced')
  }
  const sync = createSharedSync(syncOnce, fatal)
  let closing: Promise<void> | undefined
  return {
    path,
    sync,
    close() {
      // Behind a sync that is under way.
      closing ??= sync()
        .catch(() => {})
        .then(() => folder.close())
      return closing
    },
  }
}

/**
 * One fsync for everyone who waits: while one runs, all who come share the next, since the running one may have begun
 * before their names were given. Once it fails it fails for good.
 */
export function createSharedSync(sync: () => Promise<void>, fatal: Fatal): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  let failure: Error | undefined

  const run = async () => {
    if (failure !== undefined) throw failure
    try {
      await sync()
    } catch (error) {
      failure = new Error('A folder could not be put on disk.', { cause: error })
      fatal(error)
      throw failure
    } finally {
      running = undefined
    }
  }
  const start = () => {
    next = undefined
    running = run()
    return running
  }
  return () => {
    if (next !== undefined) return next
    if (running === undefined) return start()
    next = running.then(start, start)
    return next
  }
}

/** Makes folders with those above them. Resolved means that all of their names are on disk. */
export async function makeFolders(paths: readonly string[]): Promise<void> {
  const parents = new Set<string>()
  for (const path of paths.map(path => resolve(path))) {
    const first = (await mkdir(path, { recursive: true })) ?? path
    // One that was there already may have been made by a process that ended before it was on disk.
    for (let made = path; made.length >= first.length; made = dirname(made)) parents.add(dirname(made))
  }
  for (const path of parents) {
    const folder = await openFile(path).catch(ignoreUnreadable)
    await folder?.sync().finally(() => folder.close())
  }
}

/** For `catch`: the folder above ours may belong to somebody else. */
function ignoreUnreadable(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'EACCES') throw error
}
