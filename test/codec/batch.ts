import { parentPort, workerData } from 'node:worker_threads'
import { createMutants } from './mutant.ts'
import { createTrial } from './trial.ts'

/** What a worker thread is started with. */
export interface Task {
  readonly seed: number
  /** One 32-bit integer: the number of the mutant it is at. */
  readonly present: SharedArrayBuffer
}

/** Mutants to be tried: from `from` up to, and without, `end`. */
export interface Range {
  readonly from: number
  readonly end: number
}

/** What came of them. */
export interface Tally {
  accepted: number
  refused: number
  /** How often both refused, by their words. */
  readonly words: Map<string, number>
  /** One line for each fault. */
  readonly faults: string[]
}

/** Runs what it is asked for, and tells how it went. */
function serve({ seed, present }: Task): void {
  // Of more than half a million refusals only the words are looked at.
  Error.stackTraceLimit = 0
  const mutants = createMutants(seed)
  const trial = createTrial()
  const place = new Int32Array(present)
  parentPort?.on('message', async ({ from, end }: Range) => {
    const tally: Tally = { accepted: 0, refused: 0, words: new Map(), faults: [] }
    for (let number = from; number < end; number += 1) {
      Atomics.store(place, 0, number)
      const { isAccepted, words, faults } = await trial.run(mutants.mutant(number), number)
      if (isAccepted) tally.accepted += 1
      else tally.refused += 1
      if (words !== undefined) {
        const both = words.join(' | ')
        tally.words.set(both, (tally.words.get(both) ?? 0) + 1)
      }
      for (const fault of faults) tally.faults.push(`seed ${seed}, mutant ${number}: ${fault}`)
    }
    parentPort?.postMessage(tally)
  })
}

if (parentPort !== null && workerData !== null) serve(workerData as Task)
