import { readFileSync } from 'node:fs'

/**
 * A process, told from a later one that got the same number by when it was started (in the kernel's ticks since boot;
 * unknown where there is no /proc, and then not compared).
 */
export interface ProcessId {
  readonly pid: number
  readonly startedAt?: number | undefined
}

export function identify(pid: number): ProcessId {
  return { pid, startedAt: readStat(pid)?.startedAt }
}

/** False once the process has ended, also while nobody has fetched its exit status. */
export function isRunning({ pid, startedAt }: ProcessId): boolean {
  const stat = readStat(pid)
  if (stat !== undefined) {
    const isSame = startedAt === undefined || stat.startedAt === startedAt
    return isSame && stat.state !== 'Z' && stat.state !== 'X'
  }
  try {
    process.kill(pid, 0)
    return startedAt === undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** State and start from /proc/PID/stat, fields 3 and 22 (proc(5)); the name before them may hold anything. */
function readStat(pid: number): { state: string; startedAt: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startedAt: Number(fields[19]) }
  } catch {
    return undefined
  }
}
