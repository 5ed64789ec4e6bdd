import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'

/** Of what is free, so much stays so: one in so many bytes. */
const LEFT = 16
/** Read at once. */
const PIECE = Buffer.alloc(16 * 1024 * 1024)

/**
 * Fills the memory that is free with pages of a file that has none on the disk, as it is full on a machine that has run for a while. A virtual
 * machine may have given what is free back to its host, and then pays for each page that it touches again: new pages of a file of 600 KB
 * took 1.7 ms of CPU in place of 0.6 (docs/decisions/042). The kernel takes them back when it needs room. Nothing where there is no
 * /proc/meminfo.
 */
export function fillPageCache(folder: string): void {
  const file = openSync(join(mkdtempSync(join(folder, 'pages-')), 'hole'), 'w+')
  try {
    const bytes = freeBytes()
    const wanted = bytes - bytes / LEFT
    ftruncateSync(file, Math.floor(wanted))
    for (let at = 0; at < wanted; at += PIECE.length) readSync(file, PIECE, 0, PIECE.length, at)
  } finally {
    closeSync(file)
  }
}

/** Of memory that holds nothing, not even pages of files. */
function freeBytes(): number {
  try {
    const [, kilobytes = '0'] = /^MemFree: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'latin1')) ?? []
    return Number(kilobytes) * 1024
  } catch {
    return 0
  }
}
