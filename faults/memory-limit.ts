import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { atEnd } from '../test/system/ending.ts'

/** Where control groups limit memory: of the second kind, and of the first. */
const groups = [
  { root: '/sys/fs/cgroup', mark: 'memory.pressure', limit: 'memory.max' },
  { root: '/sys/fs/cgroup/memory', mark: 'memory.limit_in_bytes', limit: 'memory.limit_in_bytes' },
] as const

/** A limit on the memory of processes, each for itself: whoever needs more is killed by the kernel. */
export interface MemoryLimit {
  /** Gives them back what they may have otherwise; they may have ended. */
  lift(): void
}

/** Sets it; `undefined` where this machine or this user may not. Counts the page cache of files as well. */
export function limitMemory(pids: Readonly<Record<string, number>>, bytes: number): MemoryLimit | undefined {
  const place = groups.find(({ root, mark }) => existsSync(join(root, mark)))
  if (place === undefined) return undefined
  const made: { folder: string; pid: number }[] = []
  const lift = () => {
    for (const { folder, pid } of made.splice(0)) {
      attempt(() => writeFileSync(join(place.root, 'cgroup.procs'), String(pid)))
      attempt(() => rmdirSync(folder))
    }
  }
  atEnd(lift)
  try {
    for (const [name, pid] of Object.entries(pids)) {
      const folder = join(place.root, `verdigris-${process.pid}-${name}`)
      mkdirSync(folder)
      made.push({ folder, pid })
      writeFileSync(join(folder, place.limit), String(bytes))
      writeFileSync(join(folder, 'cgroup.procs'), String(pid))
    }
    return { lift }
  } catch {
    lift()
    return undefined
  }
}

/** What may have come to an end by itself. */
function attempt(step: () => void): void {
  try {
    step()
  } catch {}
}
