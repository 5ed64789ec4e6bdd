import { type Minute, notStarted, type Task } from '../contract.ts'
import type { TaskEngine } from '../engine.ts'
import type { Journal } from './journal.ts'
import * as life from './life.ts'
import { readOverview } from './overview.ts'
import type { Removals } from './removals.ts'
import type { TaskRow } from './row.ts'
import type { Watchers } from './watchers.ts'

/** Rows read at a time, so that a long list holds nobody up. */
export const PAGE_ROWS = 1_000

export interface ReaderOptions {
  readonly tasks: Journal
  readonly watchers: Watchers
  readonly removals: Removals
  /** The number of the last change. */
  readonly revision: () => number
  readonly minutes: () => Minute[]
  readonly now: () => number
  /** False once the file is closed: nobody is to wait any more. */
  readonly isOpen: () => boolean
}

/** The questions to the engine: none of them writes anything. */
export type Reader = Pick<TaskEngine, 'get' | 'changes' | 'overview' | 'list'>

export function createReader(options: ReaderOptions): Reader {
  const { tasks, watchers, removals, revision, minutes, now, isOpen } = options
  const toTask = (row: TaskRow): Task => ({
    ...life.toTask(row, now()),
    revision: row.revision,
    ...(row.state === notStarted && { place: row.seq }),
  })

  return {
    async get(id, waiting) {
      let row = tasks.find(id)
      const giveUpAt = performance.now() + (waiting?.waitMs ?? 0)
      while (waiting !== undefined && row !== undefined && life.isOpen(row)) {
        const leftMs = giveUpAt - performance.now()
        if (leftMs <= 0 || waiting.signal?.aborted || !isOpen()) break
        await watchers.wait(id, { ...waiting, waitMs: leftMs })
        row = tasks.find(id)
        if (!waiting.forEnd) break
      }
      return row && toTask(row)
    },
    async changes({ since, limit = PAGE_ROWS, waitMs, signal }) {
      if (since === revision()) await watchers.wait('any', { waitMs, signal })
      const rows = tasks.changedAfter(since, limit)
      const last = rows.length < limit ? revision() : (rows.at(-1)?.revision ?? revision())
      const removed = removals.between(since, last)
      return { revision: last, next: tasks.nextPlace(), tasks: rows.map(toTask), removed }
    },
    overview: () => readOverview(tasks, minutes(), now()),
    async *list() {
      let page: TaskRow[] = []
      do {
        page = tasks.madeAfter(page.at(-1)?.seq ?? 0, PAGE_ROWS)
        for (const { id, state } of page) yield { id, state }
      } while (page.length === PAGE_ROWS)
    },
  }
}
