import { randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

/** What is known of the process that writes a file: it runs, it runs no more, or it cannot be told from here. */
export type Standing = 'alive' | 'gone' | 'unknown'

/** A name for a file that this process alone writes; it says who that is. */
export function nameOwn(): string {
  return [...placeOf(), process.pid, startOf(process.pid) ?? 0, randomUUID()].join('.')
}

/**
 * What became of the process whose file this is: only of one in the same boot of the same machine, and among the same process numbers, it
 * can be said. A number may have been given again; when its process began (proc(5), starttime) may not.
 */
export function standingOf(name: string): Standing {
  const [boot, numbers, pid, start] = name.split('.')
  const [ownBoot, ownNumbers] = placeOf()
  if (boot !== ownBoot || numbers !== ownNumbers || boot === UNKNOWN) return 'unknown'
  return startOf(Number(pid)) === Number(start) ? 'alive' : 'gone'
}

const UNKNOWN = '0'

/** Which boot of which machine this is, and whose process numbers. */
function placeOf(): readonly [string, string] {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    return [boot, readlinkSync('/proc/self/ns/pid').replaceAll(/\D/g, '')]
  } catch {
    return [UNKNOWN, UNKNOWN]
  }
}

/** When a process began, in ticks since the boot; `undefined` when there is none, or one that has ended and that nobody asked how. */
function startOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name in brackets, which may have brackets and blanks of its own.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : Number(fields[19])
  } catch {
    return undefined
  }
}
