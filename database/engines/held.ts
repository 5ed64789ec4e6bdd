import type { TaskRow, TaskTable } from './tasks.ts'

/** Most rows that are kept, some hundred bytes each; whoever holds more tasks waits a little longer for some of them. */
const MOST_ROWS = 10_000

/** A table that keeps some of its rows in memory as well. */
export interface KeepingTable extends TaskTable {
  /** Lets go of them: the transaction in which they were written is not to be. */
  forget(): void
}

/** The same table, which need not look for a task that somebody holds: who was given it comes back with its id. */
export function keepHeld(tasks: TaskTable): KeepingTable {
  const held = new Map<number, TaskRow>()
  return {
    ...tasks,
    find: id => held.get(id) ?? tasks.find(id),
    update(row) {
      tasks.update(row)
      if (row.holder === undefined) held.delete(row.id)
      else if (held.size < MOST_ROWS || held.has(row.id)) held.set(row.id, row)
    },
    remove(row) {
      tasks.remove(row)
      held.delete(row.id)
    },
    extend(row, until) {
      tasks.extend(row, until)
      held.delete(row.id)
    },
    extendAll(now) {
      held.clear()
      return tasks.extendAll(now)
    },
    forget: () => held.clear(),
  }
}
