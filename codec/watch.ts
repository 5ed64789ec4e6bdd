import { Worker } from 'node:worker_threads'
import type { WatcherData } from './watcher.ts'

/** How often the watcher looks within the limit. */
const LOOKS = 8

export interface WatchOptions {
  /** The program of the watcher: a built codec/watcher.ts. */
  readonly entry: string
  /** For how long the event loop may stand still, in ms. */
  readonly limitMs: number
}

/**
 * Watches over the event loop from a thread: a small image is swapped there, and a module that hung would hang it for
 * good. Then the process is ended, by SIGKILL, and whoever gave it its tasks will give them to others.
 */
export interface Watch {
  close(): Promise<void>
}

export function openWatch({ entry, limitMs }: WatchOptions): Watch {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  const pauseMs = limitMs / LOOKS
  const data: WatcherData = { beats, pauseMs, looks: LOOKS }
  const beat = setInterval(() => Atomics.add(beats, 0, 1), pauseMs / 2).unref()
  // All it does is wait: it needs no memory to speak of.
  const resourceLimits = { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 }
  const worker = new Worker(entry, { workerData: data, resourceLimits, execArgv: [] })
  worker.unref()
  return {
    async close() {
      clearInterval(beat)
      await worker.terminate()
    },
  }
}
