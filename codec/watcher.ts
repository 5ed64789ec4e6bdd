import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

/** What a watcher is started with. */
export interface WatcherData {
  /** One cell that the event loop counts up while it runs. */
  readonly beats: Int32Array
  /** Pause between two looks at it, in ms, and how many looks in a row may find it unchanged. */
  readonly pauseMs: number
  readonly looks: number
}

/**
 * Ends the process when its event loop does not get on, which it cannot do itself. Looks are counted, not time: a
 * process that was stopped for a while has missed nothing.
 */
function main({ beats, pauseMs, looks }: WatcherData): void {
  const nobodyWakes = new Int32Array(new SharedArrayBuffer(4))
  for (let seen = -1, unchanged = 0; unchanged < looks; ) {
    Atomics.wait(nobodyWakes, 0, 0, pauseMs)
    const now = Atomics.load(beats, 0)
    unchanged = now === seen ? unchanged + 1 : 0
    seen = now
  }
  writeSync(2, `the event loop has not got on for ${(pauseMs * looks) / 1_000} s: the process ends\n`)
  process.kill(process.pid, 'SIGKILL')
}

main(workerData as WatcherData)
