import type { Sqlite } from '../../kit/sqlite.ts'
import { ASSIGNMENTS, type Cell, COLUMNS, type TaskRow, toCells, toRow } from './row.ts'
import { bringUp } from './schema.ts'

/** How many tasks there are of a kind, up to some number. */
export interface Counts {
  readonly waiting: number
  readonly paused: number
  readonly running: number
  readonly failed: number
}

/** The number of a change, and a time of the engine's clock. */
export interface Told {
  readonly revision: number
  readonly clock: number
}

const BUT = 'seq NOT IN (SELECT value FROM json_each(?))'
const toPlaces = (rows: readonly TaskRow[]) => JSON.stringify(rows.map(({ seq }) => seq))

/**
 * The tasks in a SQLite file. Whoever writes has begun a transaction; `INDEXED BY` fails where an index would not serve. `but`:
 * tasks to leave out.
 */
export interface TaskTable {
  /** What no change has a later number or time than. */
  told(): Told
  tell(told: Told): void
  find(id: number): TaskRow | undefined
  /** Adds a task that waits; false when there is one of that id. */
  insert(task: { id: number; createdAt: number; revision: number }): boolean
  update(row: TaskRow): void
  /** Writes down, beside the table, what became of tasks in this transaction. */
  note(rows: readonly TaskRow[]): void
  /** What was noted so far, the latest last. */
  noted(): TaskRow[]
  /** Forgets what was noted: the table has it. */
  forgetNoted(): void
  remove(row: TaskRow): void
  /** Gives an id up, and forgets those that were given up before `until`. */
  giveUp(id: number, now: number, until: number): void
  isGivenUp(id: number): boolean
  /** Ends the holder's lease at another time. */
  extend(row: TaskRow, until: number): void
  /** Gives every lease its whole length again; the tokens of their holders. */
  extendAll(now: number): string[]
  /** The oldest tasks that may be given out, behind the place `after`, at most `limit`. */
  ready(limit: number, after: number): TaskRow[]
  /** The place of the oldest of them. */
  nextPlace(after: number): number | undefined
  /** Lets tasks whose pause is over be given out; whether there were any. */
  endPauses(now: number): boolean
  /** Tasks whose lease is over, those first that are over longest. */
  lapsed(now: number, limit: number, but: readonly TaskRow[]): TaskRow[]
  /** When the next lease or pause is over. */
  nextDue(but: readonly TaskRow[]): number | undefined
  changedAfter(revision: number, limit: number, but: readonly TaskRow[]): TaskRow[]
  /** Tasks in progress, those first whose lease ends first; those that failed, the latest first. */
  held(limit: number, but: readonly TaskRow[]): TaskRow[]
  failures(limit: number): TaskRow[]
  /** How many tasks may be given out, behind the place `after`, pause, are in progress, have failed: each `most` at most. */
  count(most: number, after: number, but: readonly TaskRow[]): Counts
  madeAfter(seq: number, limit: number): TaskRow[]
}

/** Opens the table, made or brought up where needed. */
export function openTaskTable(database: Sqlite): TaskTable {
  bringUp(database)
  const selectOne = (where: string) => {
    const statement = database.prepare(`SELECT ${COLUMNS} FROM tasks ${where}`).raw()
    return (...values: number[]) => {
      const cells = statement.get(values) as Cell[] | undefined
      return cells && toRow(cells)
    }
  }
  // Many rows come in one cell, as text: each cell that is handed over costs as much as the text of three.
  const select = (where: string) => {
    const rows = `SELECT ${COLUMNS} FROM tasks ${where}`
    const statement = database.prepare(`SELECT json_group_array(json_array(${COLUMNS})) FROM (${rows})`).raw()
    return (...values: (number | string)[]) =>
      (JSON.parse((statement.get(values) as [string])[0]) as Cell[][]).map(toRow)
  }
  const selectValue = (sql: string) => {
    const statement = database.prepare(sql).raw()
    return (...values: (number | string)[]) => (statement.get(values) as Cell[])[0] as number | null
  }
  const find = selectOne('WHERE id = ?')
  const READY = 'INDEXED BY ready WHERE state = 0 AND ready_at IS NULL AND seq > ?'
  const RUNNING = `INDEXED BY leases WHERE state = 1 AND ${BUT}`
  const ready = select(`${READY} ORDER BY seq LIMIT ?`)
  const lapsed = select(`${RUNNING} AND lease_until <= ? ORDER BY lease_until LIMIT ?`)
  const changedAfter = select(`INDEXED BY changes WHERE revision > ? AND ${BUT} ORDER BY revision LIMIT ?`)
  const madeAfter = select('WHERE seq > ? ORDER BY seq LIMIT ?')
  const firstLease = selectValue(`SELECT min(lease_until) FROM tasks ${RUNNING}`)
  const firstPause = selectValue(
    'SELECT min(ready_at) FROM tasks INDEXED BY delayed WHERE state = 0 AND ready_at IS NOT NULL',
  )
  const held = select(`${RUNNING} ORDER BY lease_until LIMIT ?`)
  const failures = select('INDEXED BY failures WHERE state = 3 ORDER BY ended DESC LIMIT ?')
  const counter = (where: string) => {
    const statement = database.prepare(`SELECT count(*) FROM (SELECT 1 FROM tasks ${where} LIMIT ?)`).raw()
    return (...values: (number | string)[]) => (statement.get(values) as [number])[0]
  }
  const countOf = {
    waiting: counter(READY),
    paused: counter('INDEXED BY delayed WHERE state = 0 AND ready_at IS NOT NULL'),
    running: counter(RUNNING),
    failed: counter('INDEXED BY failures WHERE state = 3'),
  }
  const nextPlace = selectValue(`SELECT min(seq) FROM tasks ${READY}`)
  const insert = database.prepare(
    'INSERT INTO tasks (id, created, revision) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
  )
  const update = database.prepare(`UPDATE tasks SET ${ASSIGNMENTS}`)
  const noted = database.prepare('SELECT rows FROM journal ORDER BY turn').raw()
  const note = database.prepare('INSERT INTO journal (rows) VALUES (?)')
  const forgetNoted = database.prepare('DELETE FROM journal')
  const remove = database.prepare('DELETE FROM tasks WHERE seq = ?')
  const giveUp = database.prepare(
    'INSERT INTO given_up VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET since = excluded.since',
  )
  const forgetGivenUp = database.prepare('DELETE FROM given_up WHERE since < ?')
  const findGivenUp = database.prepare('SELECT 1 FROM given_up WHERE id = ?').raw()
  const extend = database.prepare('UPDATE tasks SET lease_until = ? WHERE seq = ?')
  const extendAll = database
    .prepare('UPDATE tasks SET lease_until = ? + lease_ms WHERE state = 1 RETURNING token')
    .raw()
  const endPauses = database.prepare(
    'UPDATE tasks INDEXED BY delayed SET ready_at = NULL WHERE state = 0 AND ready_at <= ?',
  )
  const told = database.prepare('SELECT revision, clock FROM told').raw()
  const tell = database.prepare('UPDATE told SET revision = ?, clock = ?')

  return {
    told() {
      const [revision, clock] = told.get() as [number, number]
      return { revision, clock }
    },
    tell: ({ revision, clock }) => void tell.run(revision, clock),
    find,
    insert: ({ id, createdAt, revision }) => insert.run(id, createdAt, revision).changes > 0,
    update: row => void update.run(toCells(row)),
    noted: () => (noted.all() as [string][]).flatMap(([rows]) => (JSON.parse(rows) as Cell[][]).map(toRow)),
    note: rows => void note.run(JSON.stringify(rows.map(toCells))),
    forgetNoted: () => void forgetNoted.run(),
    remove: row => void remove.run(row.seq),
    giveUp(id, now, until) {
      giveUp.run(id, now)
      forgetGivenUp.run(until)
    },
    isGivenUp: id => findGivenUp.get(id) !== undefined,
    extend: (row, until) => void extend.run(until, row.seq),
    extendAll: now => (extendAll.all(now) as [string][]).map(([token]) => token),
    ready: (limit, after) => ready(after, limit),
    nextPlace: after => nextPlace(after) ?? undefined,
    endPauses: now => endPauses.run(now).changes > 0,
    lapsed: (now, limit, but) => lapsed(toPlaces(but), now, limit),
    nextDue(but) {
      const due = [firstLease(toPlaces(but)), firstPause()].filter(at => at !== null)
      return due.length === 0 ? undefined : Math.min(...due)
    },
    changedAfter: (revision, limit, but) => changedAfter(revision, toPlaces(but), limit),
    held: (limit, but) => held(toPlaces(but), limit),
    failures,
    count: (most, after, but) => ({
      waiting: countOf.waiting(after, most),
      paused: countOf.paused(most),
      running: countOf.running(toPlaces(but), most),
      failed: countOf.failed(most),
    }),
    madeAfter,
  }
}
