import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

/** That the disk could not be asked: nothing is known against it. */
export class UnaskedError extends Error {}

/** The disk below a folder. */
export interface Disk {
  /**
   * Puts on disk all that was written to its file system: one call where an fsync for each file would be thousands. Rejects with an
   * `UnaskedError` when it could not be asked, with another error when it did not take something. One after the other.
   */
  sync(): Promise<void>
  close(): void
}

/**
 * Answers each line with what coreutils' `sync` ended with, which makes the call that Node has not (syncfs(2)); ends with its input. A small
 * process that starts others: a service would stand still for as long as its whole memory takes to be marked, some 10 ms.
 */
const SCRIPT = 'while read -r line; do sync -f "$1"; echo $?; done'
/** What a shell says of a program that is not there, or cannot be run (POSIX, 2.8.2). */
const NOT_RUN: ReadonlySet<string> = new Set(['126', '127'])

type Helper = ChildProcessByStdio<Writable, Readable, null>

/** Starts its helper when it is first asked, and again when that has ended. */
export function openDisk(path: string): Disk {
  let helper: Helper | undefined
  let last: Promise<void> = Promise.resolve()
  let answer = (_status: string) => {}
  let fail = (_error: Error) => {}

  const start = (): Helper => {
    // Of a session of its own: what is typed to end the service is not for it.
    const child = spawn('sh', ['-c', SCRIPT, 'sh', path], {
      stdio: ['pipe', 'pipe', 'ignore'],
      detached: true,
    })
    const end = (cause?: Error) => {
      if (helper === child) helper = undefined
      fail(new UnaskedError('The disk could not be asked to sync.', { cause }))
    }
    child.on('error', end).on('exit', () => end())
    child.stdin.on('error', () => {})
    child.stdout.setEncoding('utf8').on('data', (text: string) => answer(text.trim()))
    child.unref()
    for (const stream of [child.stdin, child.stdout]) (stream as unknown as Socket).unref()
    return child
  }
  const ask = async () => {
    try {
      helper ??= start()
    } catch (cause) {
      // Without file descriptors it has no ends to be written and read by.
      throw new UnaskedError('The disk could not be asked to sync.', { cause })
    }
    const { stdin, stdout } = helper
    // Only who waits for it keeps the process alive.
    ;(stdout as unknown as Socket).ref()
    try {
      const status = await new Promise<string>((resolve, reject) => {
        answer = resolve
        fail = reject
        stdin.write('\n')
      })
      if (NOT_RUN.has(status)) throw new UnaskedError('There is no sync to be run.')
      if (status !== '0')
        throw new Error(`The disk did not take all that was written: sync ended with ${status}.`)
    } finally {
      ;(stdout as unknown as Socket).unref()
    }
  }
  return {
    sync() {
      last = last.catch(() => {}).then(ask)
      return last
    },
    close: () => helper?.stdin.end(),
  }
}
