import { readFileSync } from 'node:fs'

/** Bytes of a process in PSS, which counts what processes share once in all (proc(5), smaps_rollup). */
export function pssOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]
  return Number(kilobytes) * 1_024
}
