import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Test } from 'tap'

/** What a door is told: who it says it is; how often it opened or closed, and its port. */
export interface Door {
  readonly instance: string
  readonly turns: Int32Array
}

/** A server in a thread of its own. */
export interface OpenedDoor {
  /** What it was asked, each `METHOD /path`. */
  readonly asked: readonly string[]
  /** Listens before it returns, and lets this thread do nothing meanwhile; gives the port. 0 for any. */
  open(port: number): number
  /** Is closed, and all its connections, before it returns. */
  close(): void
}

/** Ends with the test. */
export function openDoor(t: Test, instance: string): OpenedDoor {
  const turns = new Int32Array(new SharedArrayBuffer(8))
  const door: Door = { instance, turns }
  const worker = new Worker(join(import.meta.dirname, 'door.js'), { workerData: door })
  t.teardown(() => worker.terminate())
  const asked: string[] = []
  worker.on('message', (question: string) => asked.push(question))
  const turn = (port: number | undefined) => {
    const before = Atomics.load(turns, 0)
    worker.postMessage(port)
    Atomics.wait(turns, 0, before)
    return Atomics.load(turns, 1)
  }
  return { asked, open: turn, close: () => void turn(undefined) }
}
