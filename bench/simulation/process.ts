import { processSettings } from '../../scripts/services.ts'
import type { Part } from './costs.ts'
import type { Durations } from './durations.ts'
import type { Events } from './events.ts'
import type { Machine } from './machine.ts'
import { createStation, msOf, type Station } from './station.ts'
import type { Wait } from './way.ts'

/** libuv's threads, in which Node does what it does with files: those of storage, which alone has to do with many. */
const FILE_THREADS = Number(processSettings.storage?.UV_THREADPOOL_SIZE)
/** What V8 does beside the loop is given to a core in bits of so much, in ms. */
const BESIDE_MS = 1

/** What runs: a part of the way, or the kv-store, which only knows who is where. */
export type Role = Part | 'kv-store'

/** A mean, in ms; as a function where it is only known when its turn comes. */
type Mean = number | (() => number)

/** A process: an event loop, which does one thing at a time, threads for files, and in a worker threads for pixels. */
export interface Process {
  readonly role: Role
  readonly machine: Machine
  readonly loop: Station
  readonly files: Station
  readonly threads: Station
  /** Does something on its loop that computes so long on average, and holds it up so long for the disk, in ms. */
  does(mean: Mean, disk?: Mean): Wait
  /** Does something with a file that computes so long, and waits so long for the disk, on average, in ms. */
  doesFile(mean: Mean, disk?: Mean): Wait
  /** Swaps a picture in one of its threads. */
  swaps(mean: Mean): Wait
}

export interface ProcessOptions {
  readonly role: Role
  readonly events: Events
  readonly durations: Durations
  readonly machine: Machine
  /** What is computed beside the loop, in ms for each on it. */
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

  const owe = (ms: number) => {
    owedMs += ms * besideRatio
    if (owedMs < BESIDE_MS) return
    machine.compute(owedMs)(() => {})
    owedMs = 0
  }
  const drawn = (mean: Mean) => () => {
    const ms = msOf(mean)
    return ms > 0 ? durations.draw(ms) : 0
  }
  const drawnBeside = (mean: Mean) => () => {
    const ms = msOf(mean)
    owe(ms)
    return durations.draw(ms)
  }

  return {
    role,
    machine,
    loop,
    files,
    threads,
    does: (mean, disk = 0) => loop.work(drawnBeside(mean), drawn(disk)),
    doesFile: (mean, disk = 0) => files.work(drawn(mean), drawn(disk)),
    swaps: mean => threads.work(drawn(mean)),
  }
}
