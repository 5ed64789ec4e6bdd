import { readFileSync } from 'node:fs'

export interface MemoryOptions {
  /** Time between two samples, in ms; 1000 unless said. */
  readonly intervalMs?: number
}

/** A watch on the resident memory of processes. */
export interface MemoryWatch {
  /** Ends the watch and gives the most that was seen of each, in bytes, over all its starts. */
  stop(): Readonly<Record<string, number>>
}

/** Samples VmRSS (/proc/PID/status, so only on Linux) of what `pids` names at each sample: processes may come and go. */
export function sampleMemory(
  pids: () => Readonly<Record<string, number>>,
  { intervalMs = 1_000 }: MemoryOptions = {},
): MemoryWatch {
  const peaks: Record<string, number> = {}
  const sample = () => {
    for (const [name, pid] of Object.entries(pids()))
      peaks[name] = Math.max(peaks[name] ?? 0, residentBytes(pid))
  }
  sample()
  const timer = setInterval(sample, intervalMs).unref()
  return {
    stop() {
      sample()
      clearInterval(timer)
      return peaks
    },
  }
}

/** Resident memory of a process, in bytes; 0 once it has ended. */
export function residentBytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
    return Number(kilobytes ?? 0) * 1_024
  } catch {
    return 0
  }
}
