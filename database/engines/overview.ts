import { type Minute, MOST_COUNTED, type Overview } from '../contract.ts'
import type { Journal } from './journal.ts'
import { toTask } from './life.ts'

/** Tasks of a kind that an overview names. */
const LISTED = 50

/** How the queue stands: it costs the same however many tasks there are, in whatever state. */
export function readOverview(tasks: Journal, minutes: Minute[], now: number): Overview {
  const [next] = tasks.ready(1)
  return {
    ...tasks.count(MOST_COUNTED),
    oldestMs: next && now - next.createdAt,
    minutes,
    held: tasks.held(LISTED).map(row => ({ ...toTask(row, now), worker: row.holder?.worker })),
    failures: tasks.failures(LISTED).map(row => toTask(row, now)),
  }
}
