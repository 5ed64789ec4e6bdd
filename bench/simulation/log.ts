import type { Costs } from './costs.ts'
import type { Process } from './process.ts'
import type { Wait } from './way.ts'

/**
 * The write-ahead log of a storage (storage/engines/wal.ts): who finds it idle is a batch alone, and all that come until that is on disk are
 * in the next. A batch is written on the loop and put on disk in a thread. It never gets full.
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

type Batch = readonly (() => void)[]

export function createLog({ process, costs, fdatasyncMs }: LogOptions): Log {
  const { log, name } = costs.storage
  const sync = process.doesFile(costs.log.sync, fdatasyncMs)
  let waiting: (() => void)[] = []
  let isWriting = false
  let images = 0
  let batches = 0

  const takeBatch = (): Batch => {
    const batch = waiting
    waiting = []
    images += batch.length
    batches += Math.min(batch.length, 1)
    return batch
  }
  /** Writes those who wait now: who comes before the loop gets to it is in the next batch. */
  const begin = () => {
    isWriting = true
    const batch = takeBatch()
    process.does(log)(() => put(batch))
  }
  /** Puts on disk what was written; gives that its names then, and writes the next batch, in the same turn of the loop. */
  const put = (written: Batch) => {
    let batch: Batch = []
    const compute = () => {
      batch = takeBatch()
      return written.length * name + Math.min(batch.length, 1) * log
    }
    const turn = process.does(compute)
    const end = () => {
      if (batch.length > 0) put(batch)
      else if (waiting.length > 0) begin()
      else isWriting = false
      for (const resume of written) resume()
    }
    sync(() => turn(end))
  }

  return {
    write: resume => {
      waiting.push(resume)
      if (!isWriting) begin()
    },
    images: () => images,
    batches: () => batches,
  }
}
