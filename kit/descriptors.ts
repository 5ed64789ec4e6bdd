import { readFileSync } from 'node:fs'

/** File descriptors that a process needs for itself: its files, its log, its first connections to others. Storage has 41. */
const OWN = 48
/** What an operation says for which there is none left, in this process or on this machine (open(2)). */
const NONE_LEFT: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE'])

/**
 * How many connections a process can serve with the files it may open: each may need one more, to another service or for a
 * file. Without a limit where the system does not tell (/proc/self/limits, Linux).
 */
export function affordableConnections(text = readLimits()): number {
  const most = /^Max open files +(\d+) /m.exec(text)?.[1]
  return most === undefined ? Number.POSITIVE_INFINITY : Math.max(Math.floor((Number(most) - OWN) / 2), 1)
}

/** Whether an error says, or has as its cause, that no file descriptor is left. */
export function isOutOfDescriptors(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause)
    if (NONE_LEFT.has((one as NodeJS.ErrnoException).code)) return true
  return false
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1')
  } catch {
    return ''
  }
}
