import type { Costs } from './costs.ts'
import type { Process } from './process.ts'
import { result, type Wait, type Way } from './way.ts'

/**
 * The database: tasks that wait, and workers that wait for one. What is asked in one turn of its loop is one transaction,
 * which holds the loop up until it is on disk (kit/batch.ts, database/engines/sqlite.ts).
 */
export interface Database<Task> {
  readonly process: Process
  /** Answers once the task is on disk. */
  newTask(task: Task): Way
  /** Answers who asks about a task once that has ended. */
  tellOf(ended: Wait): Way
  /** Answers with a task once there is one. */
  getNewTask(): Way<Task>
  /** Has `ended` called once it is on disk that a task is done; answers with another one once there is one. */
  finishTask(ended: () => void): Way<Task>
  operations(): number
  transactions(): number
}

export interface DatabaseOptions {
  readonly process: Process
  readonly costs: Costs
  /** How long an fsync waits for the disk, in ms. */
  readonly fsyncMs: number
}

export function createDatabase<Task>(options: DatabaseOptions): Database<Task> {
  const { process, costs, fsyncMs } = options
  const ms = costs.database
  const ready: Task[] = []
  const polls: ((task: Task) => void)[] = []
  let writes: (() => void)[] = []
  let answers: (() => void)[] = []
  let isRequested = false
  let operations = 0
  let transactions = 0

  /** Grants tasks to those who wait longest; how many. */
  const settle = (): number => {
    const granted = Math.min(ready.length, polls.length)
    for (const task of ready.splice(0, granted)) {
      const poll = polls.shift() as (task: Task) => void
      answers.push(() => poll(task))
    }
    return granted
  }
  /** Has a transaction at the end of this turn: behind all that has arrived by now. */
  const request = () => {
    if (isRequested) return
    isRequested = true
    let written = 0
    let answered: (() => void)[] = []
    const compute = () => {
      isRequested = false
      const begun = writes
      writes = []
      for (const write of begun) write()
      written = begun.length + settle()
      answered = answers
      answers = []
      operations += begun.length
      transactions += 1
      return costs.transactionMs + written * ms.write
    }
    // Without anything written there is nothing to put on disk.
    const disk = () => (written > 0 ? fsyncMs : 0)
    process.does(
      compute,
      disk,
    )(() => {
      for (const answer of answered) answer()
    })
  }
  const write =
    (operation: () => void): Wait =>
    resume => {
      writes.push(() => {
        operation()
        answers.push(resume)
      })
      request()
    }

  return {
    process,
    operations: () => operations,
    transactions: () => transactions,
    *newTask(task) {
      yield process.does(ms.read)
      yield write(() => ready.push(task))
      yield process.does(ms.answer)
    },
    *tellOf(ended) {
      yield process.does(ms.read)
      yield ended
      yield process.does(ms.answer)
    },
    *getNewTask() {
      yield process.does(ms.read)
      const task = yield* result<Task>(resume => {
        polls.push(resume)
        request()
      })
      yield process.does(ms.answer)
      return task
    },
    *finishTask(ended) {
      yield process.does(ms.read)
      const task = yield* result<Task>(resume => {
        writes.push(() => {
          answers.push(ended)
          polls.push(resume)
        })
        request()
      })
      yield process.does(ms.answer)
      return task
    },
  }
}
