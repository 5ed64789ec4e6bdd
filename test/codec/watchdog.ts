import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Range, Tally, Task } from './batch.ts'

const BATCH = 250
/** A batch takes well under a second; one that takes longer than this hangs. */
const HANGS_MS = 20_000
const HANGS = 'hangs'
/** More faults than this say nothing new. */
const ENOUGH_FAULTS = 20

export interface Report extends Tally {
  hangs: number
}

/** Tries the mutants in as many threads as there are processors, and watches that none of them hangs. */
export async function tryAll(seed: number, { from, end }: Range): Promise<Report> {
  const report: Report = { accepted: 0, refused: 0, words: new Map(), faults: [], hangs: 0 }
  let next = from
  const take = (): Range | undefined => {
    if (next >= end || report.faults.length >= ENOUGH_FAULTS) return undefined
    const batch = { from: next, end: Math.min(end, next + BATCH) }
    next = batch.end
    return batch
  }
  await Promise.all(Array.from({ length: availableParallelism() }, () => work(seed, take, report)))
  return report
}

async function work(seed: number, take: () => Range | undefined, report: Report): Promise<void> {
  const task: Task = { seed, present: new SharedArrayBuffer(4) }
  const worker = new Worker(join(import.meta.dirname, 'batch.js'), { workerData: task })
  let answer: (came: Tally | Error) => void = () => {}
  worker.on('message', tally => answer(tally)).on('error', error => answer(error))
  worker.on('exit', () => answer(new Error('the thread has ended')))
  try {
    for (let batch = take(); batch !== undefined; batch = take()) {
      const tally = await new Promise<Tally | Error>(resolve => {
        const timer = setTimeout(resolve, HANGS_MS, new Error(HANGS))
        answer = came => {
          clearTimeout(timer)
          resolve(came)
        }
        worker.postMessage(batch)
      })
      if (tally instanceof Error) {
        if (tally.message === HANGS) report.hangs += 1
        report.faults.push(`seed ${seed}, mutant ${new Int32Array(task.present)[0]}: ${tally.message}`)
        return
      }
      add(report, tally)
    }
  } finally {
    await worker.terminate()
  }
}

function add(report: Report, { accepted, refused, words, faults }: Tally): void {
  report.accepted += accepted
  report.refused += refused
  for (const [both, count] of words) report.words.set(both, (report.words.get(both) ?? 0) + count)
  report.faults.push(...faults)
}
