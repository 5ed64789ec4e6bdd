import { readFileSync } from 'node:fs'

/** File descriptors that a process needs for itself: its files, its log, its first connections to others. */
const OWN = 32

/**
 * How many connections a process can serve with the files it may open: each may need one more, to another service or for a
 * file. Without a limit where the system does not tell (/proc/self/limits, Linux).
 */
export function affordableConnections(text = readLimits()): number {
  const most = /^Max open files +(\d+) /m.exec(text)?.[1]
  return most === undefined ? Number.POSITIVE_INFINITY : Math.max(Math.floor((Number(most) - OWN) / 2), 1)
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1')
  } catch {
    return ''
  }
}
