import { readdirSync, readFileSync } from 'node:fs'

/** Ticks of the clock that /proc counts in, a second: USER_HZ, which is 100 on every Linux of today (time(7)). */
const TICKS = 100

interface Process {
  readonly parent: number
  readonly cpuMs: number
}

/** CPU time that this process has taken so far, of user and system, all threads, in ms. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/**
 * CPU time that a process and all that descends from it have taken so far, in ms: of user and system, all threads, also of
 * children that have ended (proc(5), stat: utime, stime, cutime, cstime).
 */
export function cpuOf(pid: number): number {
  const all = readProcesses()
  const sum = (wanted: number): number => {
    const own = all.get(wanted)?.cpuMs ?? 0
    const children = [...all].filter(([, { parent }]) => parent === wanted)
    return children.reduce((total, [child]) => total + sum(child), own)
  }
  return sum(pid)
}

function readProcesses(): Map<number, Process> {
  const found = new Map<number, Process>()
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const stat = readStat(name)
    if (stat !== undefined) found.set(Number(name), stat)
  }
  return found
}

/** Undefined when it has ended by now. */
function readStat(pid: string): Process | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The second field is the program's name in brackets, which may have brackets and blanks of its own.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [parent = 0, times] = [fields[1], fields.slice(11, 15)]
  return { parent, cpuMs: (times.reduce((total, ticks) => total + ticks, 0) * 1_000) / TICKS }
}
