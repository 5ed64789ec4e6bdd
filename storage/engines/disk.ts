import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** That the disk could not be asked: nothing is known against it. */
export class UnaskedError extends Error {}

/**
 * Puts on disk all that was written to a file system: one call where an fsync for each file would be thousands. Node has none for it
 * (syncfs(2)), so coreutils' `sync` makes it. Rejects with an `UnaskedError` when that cannot be started, with another error when the disk
 * did not take something.
 */
export async function syncDisk(path: string): Promise<void> {
  try {
    await run('sync', ['-f', path])
  } catch (error) {
    const cause = error as { code?: unknown }
    // A number is what it ended with; all else kept it from being run.
    if (typeof cause.code === 'number') throw error
    throw new UnaskedError('The disk could not be asked to sync.', { cause })
  }
}
