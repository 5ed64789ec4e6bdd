import { inProgress } from '../contract.ts'
import type { TaskRow } from './row.ts'
import type { Counts, TaskTable } from './tasks.ts'

/** Most rows that are kept for being held, some hundred bytes each; whoever holds more tasks waits a little longer for some. */
const MOST_HELD = 10_000
/** So many tasks that wait are read at a time. */
const READ_AHEAD = 32

/**
 * The table, which lags behind. What happens to every task, that it is given out and that it is finished, is only noted, a line for
 * all of a turn, and kept in memory; the table gets it later, for many tasks at once and for both in one. Anything else that is
 * written lets the table catch up first, and whatever is read is read as it stands. (What a log-structured store does.)
 */
export interface Journal
  extends Omit<
    TaskTable,
    'ready' | 'nextPlace' | 'changedAfter' | 'held' | 'count' | 'note' | 'forgetNoted'
  > {
  /** Writes a task that is given out, the first of those that are ready, or that is finished. */
  note(row: TaskRow): void
  /** Comes last in each turn that has noted something. */
  endTurn(): void
  /** The present transaction is on disk, or is not to be. */
  committed(): void
  rolledBack(): void
  ready(limit: number): readonly TaskRow[]
  nextPlace(): number | undefined
  changedAfter(revision: number, limit: number): TaskRow[]
  held(limit: number): TaskRow[]
  count(most: number): Counts
}

/** @param mostBehind So many tasks at most does the table lag behind: the turn in which it catches up writes all of them. */
export function keepJournal(tasks: TaskTable, mostBehind: number): Journal {
  /** What the table has not got yet. */
  let behind = new Map<number, TaskRow>()
  /** What the table has got, and will be asked for: whoever was given a task comes back with its id. */
  const held = new Map<number, TaskRow>()
  /** All that are ready in the table up to this place were given out since it caught up. */
  let givenTo = 0
  /** The first of those behind it, as far as they were read; whether there may be more. */
  let ahead: TaskRow[] = []
  let isMore = true
  // Of the present transaction:
  let noted: TaskRow[] = []
  /** What `behind` had before, of what is noted since the table caught up; all of it, if the table did so in this transaction. */
  let changed = new Map<number, TaskRow | undefined>()
  let behindBefore: Map<number, TaskRow> | undefined
  let givenToBefore = givenTo

  const undoChanged = () => {
    for (const [id, row] of changed)
      if (row === undefined) behind.delete(id)
      else behind.set(id, row)
    return behind
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
    behindBefore ??= undoChanged()
    behind = new Map()
    givenTo = 0
    noted = []
    changed = new Map()
  }
  const caughtUp =
    <A extends unknown[], R>(write: (...args: A) => R) =>
    (...args: A) => {
      catchUp()
      return write(...args)
    }
  const startTurn = () => {
    noted = []
    changed = new Map()
    behindBefore = undefined
    givenToBefore = givenTo
  }
  const ofBehind = (isWanted: (row: TaskRow) => boolean) => [...behind.values()].filter(isWanted)

  return {
    told: tasks.told,
    tell: tasks.tell,
    find: id => behind.get(id) ?? held.get(id) ?? tasks.find(id),
    insert(task) {
      isMore = true
      return tasks.insert(task)
    },
    note(row) {
      if (!changed.has(row.id)) changed.set(row.id, behind.get(row.id))
      behind.set(row.id, row)
      noted.push(row)
      if (ahead[0]?.seq !== row.seq) return
      ahead.shift()
      givenTo = row.seq
    },
    endTurn() {
      if (behind.size > mostBehind) catchUp()
      else if (noted.length > 0) tasks.note(noted)
    },
    committed: startTurn,
    rolledBack() {
      behind = behindBefore ?? undoChanged()
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
    extendAll: caughtUp(now => {
      held.clear()
      return tasks.extendAll(now)
    }),
    ready(limit) {
      if (isMore && ahead.length < limit) {
        const read = Math.max(limit, READ_AHEAD)
        ahead = tasks.ready(read, givenTo)
        isMore = ahead.length === read
      }
      return ahead.slice(0, limit)
    },
    nextPlace: () => tasks.nextPlace(givenTo),
    endPauses: caughtUp(tasks.endPauses),
    lapsed: caughtUp(tasks.lapsed),
    nextDue: caughtUp(tasks.nextDue),
    changedAfter(revision, limit) {
      const rows = tasks.changedAfter(revision, limit, [...behind.values()])
      const later = ofBehind(row => row.revision > revision)
      return [...rows, ...later].sort((a, b) => a.revision - b.revision).slice(0, limit)
    },
    held(limit) {
      const rows = tasks.held(limit, [...behind.values()])
      const others = ofBehind(({ state }) => state === inProgress)
      const untilOf = ({ holder }: TaskRow) => holder?.until ?? 0
      return [...rows, ...others].sort((a, b) => untilOf(a) - untilOf(b)).slice(0, limit)
    },
    failures: tasks.failures,
    count(most) {
      const counts = tasks.count(most, givenTo, [...behind.values()])
      const others = ofBehind(({ state }) => state === inProgress).length
      return { ...counts, running: Math.min(most, counts.running + others) }
    },
    madeAfter: (seq, limit) => tasks.madeAfter(seq, limit).map(row => behind.get(row.id) ?? row),
  }
}
