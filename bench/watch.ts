import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'

/** Tells a process that was started with something to watch it by to begin, and the second time to end. */
export const WATCH_SIGNAL = 'SIGUSR2'
/** The variable that names the folder of what was seen. */
export const WATCH_FOLDER = 'BENCH_WATCH_FOLDER'

/** Where the process of that number says what it saw. */
export const watchedPath = (folder: string, pid: number) => join(folder, `${pid}.json`)

/**
 * In a process that is watched, before its own module: begins and ends as it is told, and writes down, as JSON, what the
 * end gives.
 */
export function watchOnSignal(begin: () => () => unknown): void {
  const { [WATCH_FOLDER]: folder } = process.env
  if (!isMainThread || folder === undefined) return
  let end: (() => unknown) | undefined
  process.on(WATCH_SIGNAL, () => {
    if (end === undefined) {
      end = begin()
      return
    }
    const path = watchedPath(folder, process.pid)
    // Whoever finds it finds all of it.
    writeFileSync(`${path}.part`, JSON.stringify(end()))
    renameSync(`${path}.part`, path)
    end = undefined
  })
}
