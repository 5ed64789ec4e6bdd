import { inProgress, notStarted } from '../contract.ts'
import type { TaskRow } from './row.ts'
import type { Counts, TaskTable } from './tasks.ts'

/** Most rows that are kept for being held, some hundred bytes each; whoever holds more tasks waits a little longer for some. */
const MOST_HELD = 10_000
/** So many tasks that wait are read at a time. */
const READ_AHEAD = 32

/**
 * The table, which lags behind. What happens to every task, that it is given out and that it is finished, is only noted, one row for
 * all of a transaction, and kept in memory; the table gets it later, for many tasks at once and for both in one. Whatever else changes
 * a task, or takes it out, lets the table catch up first. Every question is answered as if it had. (What a log-structured store does.)
 */
export interface Journal
  extends Pick<
    TaskTable,
    | 'told'
    | 'tell'
    | 'find'
    | 'insert'
    | 'update'
    | 'remove'
    | 'giveUp'
    | 'isGivenUp'
    | 'extend'
    | 'extendAll'
    | 'failures'
    | 'madeAfter'
  > {
  /** Writes that a task is given out: the very first of those that are ready, or it would be given out again. */
  give(row: TaskRow): void
  /** Writes that a task in progress is finished. */
  finish(row: TaskRow): void
  /** Comes last in each transaction. */
  endTurn(): void
  /** The present transaction is on disk, or is not to be. */
  committed(): void
  rolledBack(): void
  ready(limit: number): readonly TaskRow[]
  nextPlace(): number | undefined
  lapsed(now: number, limit: number): TaskRow[]
  endPauses(now: number): void
  nextDue(): number | undefined
  changedAfter(revision: number, limit: number): TaskRow[]
  held(limit: number): TaskRow[]
  count(most: number): Counts
}

/** @param mostBehind With more tasks than this the table catches up at the end of the transaction, which writes all of them. */
export function keepJournal(tasks: TaskTable, mostBehind: number): Journal {
  /** What the table has not got yet: from before this start, what was noted then. */
  let behind = new Map(tasks.noted().map(row => [row.id, row]))
  /** What the table has got, and will be asked for: whoever was given a task comes back with its id. */
  const held = new Map<number, TaskRow>()
  /** All that are ready in the table up to this place were given out since it caught up. */
  let givenTo = Math.max(
    0,
    ...[...behind.values()].filter(({ id }) => tasks.find(id)?.state === notStarted).map(({ seq }) => seq),
  )
  /** The first of those that are ready behind that place, as far as they were read; whether there may be more. */
  let ahead: TaskRow[] = []
  let isMore = true
  // Of the present transaction:
  let noted: TaskRow[] = []
  /** What `behind` had of those that were noted since the table caught up. */
  let replaced = new Map<number, TaskRow | undefined>()
  /** All that it had at the beginning, once the table has caught up. */
  let behindBefore: Map<number, TaskRow> | undefined
  let givenToBefore = givenTo

  const withoutNoted = () => {
    const without = new Map(behind)
    for (const [id, row] of replaced)
      if (row === undefined) without.delete(id)
      else without.set(id, row)
    return without
  }
  const keep = (row: TaskRow) => {
    if (row.holder === undefined) held.delete(row.id)
    else if (held.size < MOST_HELD || held.has(row.id)) held.set(row.id, row)
  }
  const readAnew = () => {
    ahead = []
    isMore = true
  }
  const catchUp = () => {
    readAnew()
    if (behind.size === 0) return
    for (const row of behind.values()) {
      tasks.update(row)
      keep(row)
    }
    tasks.forgetNoted()
    behindBefore ??= withoutNoted()
    behind = new Map()
    givenTo = 0
    noted = []
    replaced = new Map()
  }
  const caughtUp =
    <A extends unknown[], R>(write: (...args: A) => R) =>
    (...args: A) => {
      catchUp()
      return write(...args)
    }
  const startTurn = () => {
    noted = []
    replaced = new Map()
    behindBefore = undefined
    givenToBefore = givenTo
  }
  const note = (row: TaskRow) => {
    if (!replaced.has(row.id)) replaced.set(row.id, behind.get(row.id))
    behind.set(row.id, row)
    noted.push(row)
  }
  const all = () => [...behind.values()]
  const running = () => all().filter(({ state }) => state === inProgress)
  const count = (most: number) => {
    const counts = tasks.count(most, givenTo, all())
    return { ...counts, running: Math.min(most, counts.running + running().length) }
  }

  return {
    told: tasks.told,
    tell: tasks.tell,
    find: id => behind.get(id) ?? held.get(id) ?? tasks.find(id),
    insert(task) {
      isMore = true
      return tasks.insert(task)
    },
    give(row) {
      if (ahead.shift()?.seq !== row.seq) throw new Error(`task ${row.id} is given out of its turn`)
      givenTo = row.seq
      note(row)
    },
    finish: note,
    endTurn() {
      if (behind.size > mostBehind) catchUp()
      else if (noted.length > 0) tasks.note(noted)
    },
    committed: startTurn,
    rolledBack() {
      behind = behindBefore ?? withoutNoted()
      givenTo = givenToBefore
      held.clear()
      readAnew()
      startTurn()
    },
    update: caughtUp(row => {
      tasks.update(row)
      keep(row)
    }),
    remove: caughtUp(row => {
      tasks.remove(row)
      held.delete(row.id)
    }),
    giveUp: tasks.giveUp,
    isGivenUp: tasks.isGivenUp,
    extend: caughtUp((row, until) => {
      tasks.extend(row, until)
      held.delete(row.id)
    }),
    extendAll(now) {
      if (count(1).running === 0) return []
      catchUp()
      held.clear()
      return tasks.extendAll(now)
    },
    ready(limit) {
      if (isMore && ahead.length < limit) {
        const read = Math.max(limit, READ_AHEAD)
        ahead = tasks.ready(read, givenTo)
        isMore = ahead.length === read
      }
      return ahead.slice(0, limit)
    },
    nextPlace: () => tasks.nextPlace(givenTo),
    lapsed(now, limit) {
      const others = running().filter(row => untilOf(row) <= now)
      return sortBy(untilOf, [...tasks.lapsed(now, limit, all()), ...others]).slice(0, limit)
    },
    // They may be ready before the place up to which all were given out.
    endPauses: now => void (tasks.endPauses(now) && catchUp()),
    nextDue() {
      const due = [tasks.nextDue(all()), ...running().map(untilOf)].filter(at => at !== undefined)
      return due.length === 0 ? undefined : Math.min(...due)
    },
    changedAfter(revision, limit) {
      const later = all().filter(row => row.revision > revision)
      const rows = [...tasks.changedAfter(revision, limit, all()), ...later]
      return sortBy(row => row.revision, rows).slice(0, limit)
    },
    held: limit => sortBy(untilOf, [...tasks.held(limit, all()), ...running()]).slice(0, limit),
    failures: tasks.failures,
    count,
    madeAfter: (seq, limit) => tasks.madeAfter(seq, limit).map(row => behind.get(row.id) ?? row),
  }
}

const untilOf = ({ holder }: TaskRow) => holder?.until ?? 0
const sortBy = (placeOf: (row: TaskRow) => number, rows: TaskRow[]) =>
  rows.sort((a, b) => placeOf(a) - placeOf(b))
