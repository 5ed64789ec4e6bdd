import { processSettings } from '../../scripts/services.ts'
import type { Part } from './costs.ts'
import type { Durations } from './durations.ts'
import type { Events } from './events.ts'
import type { Machine } from './machine.ts'
import { createStation, type Station } from './station.ts'
import type { Wait } from './way.ts'

/** libuv's threads, in which Node does what it does with files: those of storage, which alone has to do with many. */
const FILE_THREADS = Number(processSettings.storage?.UV_THREADPOOL_SIZE)
/** What V8 does beside the loop is given to a core in bits of so much, in ms. */
const BESIDE_MS = 1

/** What runs: a part of the way, or the kv-store, which only knows who is where. */
export type Role = Part | 'kv-store'

/** A process: an event loop, which does one thing at a time, threads for files, and in a worker threads for pixels. */
export interface Process {
  readonly role: Role
  readonly machine: Machine
  readonly loop: Station
  readonly files: Station
  readonly threads: Station
  /** Does something on its loop that takes so long on average, in ms. */
  does(meanMs: number): Wait
  /** Does something with a file that computes so long, and waits so long for the disk, on average, in ms. */
  doesFile(meanMs: number, diskMs?: number): Wait
  /** Swaps a picture in one of its threads. */
  swaps(meanMs: number): Wait
}

export interface ProcessOptions {
  readonly role: Role
  readonly events: Events
  readonly durations: Durations
  readonly machine: Machine
  /** What V8 computes beside the loop, in ms for each on it. */
  readonly besideRatio: number
  /** Infinity for a crowd of visitors, each with a machine of their own. */
  readonly loops?: number
}

export function createProcess(options: ProcessOptions): Process {
  const { role, events, durations, machine, besideRatio, loops = 1 } = options
  const loop = createStation(events, machine, loops)
  const files = createStation(events, machine, FILE_THREADS)
  const threads = createStation(events, machine, machine.cores)
  let owedMs = 0

  return {
    role,
    machine,
    loop,
    files,
    threads,
    does: meanMs => resume => {
      owedMs += meanMs * besideRatio
      if (owedMs >= BESIDE_MS) {
        machine.compute(owedMs)(() => {})
        owedMs = 0
      }
      loop.work(durations.draw(meanMs))(resume)
    },
    doesFile: (meanMs, diskMs = 0) =>
      files.work(
        () => durations.draw(meanMs),
        () => (diskMs > 0 ? durations.draw(diskMs) : 0),
      ),
    swaps: meanMs => threads.work(() => durations.draw(meanMs)),
  }
}
