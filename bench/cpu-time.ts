import { readdirSync, readFileSync } from 'node:fs'
import { cpuOf, ownCpuMs } from './cpu.ts'

/** Beside the loop Node starts five threads for V8 first, and those that work for the loop when they are needed. */
const V8_THREADS = 5
/** No process or thread has a higher number (proc(5), pid_max). */
const MOST_NUMBERS = 2 ** 22

/** CPU time of a process, in ms, and who of its threads took it. */
export interface CpuTime {
  /** Of all threads, and of all that descends from it. */
  readonly all: number
  /** Of its event loop. */
  readonly loop: number
  /** Of the threads that the loop gives work to: for files, in a worker for pixels. The rest is V8's, and that of children. */
  readonly pool: number
}

/** What a process has taken so far; of this one without its children. */
export function cpuTimeOf(pid: number): CpuTime {
  const [loop = 0, ...others] = threadsOf(pid)
  const pool = others.slice(V8_THREADS).reduce((sum, ms) => sum + ms, 0)
  return { all: pid === process.pid ? ownCpuMs() : cpuOf(pid), loop, pool }
}

/** CPU time of each thread so far, in ms, in the order in which they were started (proc(5), schedstat): the first has the process's number. */
function threadsOf(pid: number): number[] {
  const ids = readdirSync(`/proc/${pid}/task`).map(Number)
  // Numbers begin anew once they are used up.
  const placeOf = (id: number) => (id < pid ? id + MOST_NUMBERS : id)
  return ids.sort((a, b) => placeOf(a) - placeOf(b)).map(id => threadMs(pid, id))
}

/** Nothing of one that has ended meanwhile. */
function threadMs(pid: number, id: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    return 0
  }
}

/** What became of several, each figure by itself: their sum, their median. */
export function combineTimes(times: readonly CpuTime[], combine: (ms: readonly number[]) => number): CpuTime {
  const of = (what: keyof CpuTime) => combine(times.map(time => time[what]))
  return { all: of('all'), loop: of('loop'), pool: of('pool') }
}
