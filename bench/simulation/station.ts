import type { Events } from './events.ts'
import type { Machine } from './machine.ts'
import type { Wait } from './way.ts'

/** Threads of one process that take work in the order in which it came: its event loop is one of a single thread. */
export interface Station {
  readonly threads: number
  /**
   * So much computing, in ms, and so long besides on the disk, while the thread is held and no core is. What is only known
   * when its turn comes is given as a function, which runs then.
   */
  work(computeMs: number | (() => number), diskMs?: number | (() => number)): Wait
  /** For how long its threads were held so far, together, in ms: by computing, or waiting for a core or the disk. */
  busyMs(): number
  /** How much work has been done. */
  done(): number
}

interface Work {
  readonly computeMs: number | (() => number)
  readonly diskMs: number | (() => number)
  readonly ended: () => void
}

/** @param threads Infinity: nobody waits for another. */
export function createStation(events: Events, machine: Machine, threads: number): Station {
  const queue: Work[] = []
  let head = 0
  let free = threads
  let busyMs = 0
  let done = 0

  const next = (): Work | undefined => {
    const work = queue[head]
    if (work === undefined) return undefined
    head += 1
    if (head === queue.length || head === 1_024) {
      queue.splice(0, head)
      head = 0
    }
    return work
  }
  const finish = ({ ended }: Work, beganAt: number) => {
    busyMs += events.now() - beganAt
    done += 1
    const after = next()
    if (after === undefined) free += 1
    else begin(after)
    ended()
  }
  const begin = (work: Work) => {
    const beganAt = events.now()
    machine.compute(msOf(work.computeMs))(() => {
      const diskMs = msOf(work.diskMs)
      if (diskMs > 0) events.after(diskMs, () => finish(work, beganAt))
      else finish(work, beganAt)
    })
  }

  return {
    threads,
    work:
      (computeMs, diskMs = 0) =>
      ended => {
        const work = { computeMs, diskMs, ended }
        if (free === 0) queue.push(work)
        else {
          free -= 1
          begin(work)
        }
      },
    busyMs: () => busyMs,
    done: () => done,
  }
}

/** So many ms, or as many as are found out now. */
export const msOf = (ms: number | (() => number)) => (typeof ms === 'number' ? ms : ms())
