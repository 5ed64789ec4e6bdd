import type { Costs } from './costs.ts'
import type { Process } from './process.ts'
import type { Wait } from './way.ts'

/**
 * The write-ahead log of a storage (storage/engines/wal.ts): one batch is written on the loop and put on disk in a thread; all that come
 * meanwhile are in the next. It never gets full.
 */
export interface Log {
  /** Waits until an image is on disk in it, and has its name. */
  readonly write: Wait
  images(): number
  batches(): number
}

export interface LogOptions {
  readonly process: Process
  readonly costs: Costs
  /** How long an fdatasync waits for the disk, in ms. */
  readonly fdatasyncMs: number
}

export function createLog({ process, costs, fdatasyncMs }: LogOptions): Log {
  const { log, name } = costs.storage
  const sync = process.doesFile(costs.log.sync, fdatasyncMs)
  let waiting: (() => void)[] = []
  let isWriting = false
  let images = 0
  let batches = 0

  /** Gives those their names that are on disk now, and writes the next batch, in the same turn of the loop. */
  const turn = (written: readonly (() => void)[]) => {
    let batch: readonly (() => void)[] = []
    const compute = () => {
      batch = waiting
      waiting = []
      images += batch.length
      batches += Math.min(batch.length, 1)
      return written.length * name + Math.min(batch.length, 1) * log
    }
    process.does(compute)(() => {
      if (batch.length > 0) sync(() => turn(batch))
      else if (waiting.length > 0) turn([])
      else isWriting = false
      for (const resume of written) resume()
    })
  }

  return {
    write: resume => {
      waiting.push(resume)
      if (isWriting) return
      isWriting = true
      turn([])
    },
    images: () => images,
    batches: () => batches,
  }
}
