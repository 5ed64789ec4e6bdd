import { readPragma, type Sqlite } from '../../kit/sqlite.ts'
import { inProgress } from '../contract.ts'
import type { Holder, TaskRecord } from './life.ts'

// `seq` is the order of work, `id` what the world knows. Each partial index holds only the tasks that its question is
// about, so that no question costs more for the tasks that have ended (or wait, or run).
const SCHEMA = `
  CREATE TABLE tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id INTEGER NOT NULL UNIQUE,
    state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    attempt INTEGER NOT NULL DEFAULT 0,
    token TEXT,
    plain INTEGER,
    worker TEXT,
    lease_ms INTEGER,
    lease_until INTEGER,
    errors INTEGER NOT NULL DEFAULT 0,
    losses INTEGER NOT NULL DEFAULT 0,
    ready_at INTEGER,
    reason TEXT,
    result INTEGER,
    created INTEGER NOT NULL,
    ended INTEGER,
    revision INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX ready ON tasks (seq) WHERE state = 0 AND ready_at IS NULL;
  CREATE INDEX delayed ON tasks (ready_at) WHERE state = 0 AND ready_at IS NOT NULL;
  CREATE INDEX leases ON tasks (lease_until) WHERE state = 1;
  CREATE INDEX changes ON tasks (revision);
  CREATE TABLE told (revision INTEGER NOT NULL, clock INTEGER NOT NULL) STRICT;
  INSERT INTO told VALUES (0, 0);
`
// Ids under which no task may be made any more, and since when.
const GIVEN_UP = `
  CREATE TABLE IF NOT EXISTS given_up (id INTEGER PRIMARY KEY, since INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS given_up_since ON given_up (since);
`
// What operators look at first.
const FAILURES = 'CREATE INDEX IF NOT EXISTS failures ON tasks (ended) WHERE state = 3;'
// When a task was given out last, and how long its steps took.
const TIMES = `
  ALTER TABLE tasks ADD COLUMN taken INTEGER;
  ALTER TABLE tasks ADD COLUMN steps TEXT;
`
/** What makes a file of each version one of the next; some of version 1 have a part of what makes them 2. */
const UPGRADES = [SCHEMA, GIVEN_UP + FAILURES + TIMES]
/** What changes in the life of a task; what is not set again is not indexed again. */
const MUTABLE = `state, attempt, token, plain, worker, lease_ms, lease_until, errors, losses, ready_at, reason, result,
  ended, revision, taken, steps`
const COLUMNS = `seq, id, created, ${MUTABLE}`
type Cell = number | string | null

/** A task with its place in the order of work and the number of its last change. */
export interface TaskRow extends TaskRecord {
  readonly seq: number
  readonly revision: number
}

/** The number of a change, and a time of the engine's clock. */
export interface Told {
  readonly revision: number
  readonly clock: number
}

/** The tasks in a SQLite file. Whoever writes has begun a transaction; `INDEXED BY` fails where an index would not serve. */
export interface TaskTable {
  /** What no change has a later number or time than. */
  told(): Told
  tell(told: Told): void
  find(id: number): TaskRow | undefined
  /** Adds a task that waits; false when there is one of that id. */
  insert(task: { id: number; createdAt: number; revision: number }): boolean
  update(row: TaskRow): void
  remove(row: TaskRow): void
  /** Gives an id up, and forgets those that were given up before `until`. */
  giveUp(id: number, now: number, until: number): void
  isGivenUp(id: number): boolean
  /** Ends the holder's lease at another time. */
  extend(row: TaskRow, until: number): void
  /** Gives every lease its whole length again; the tokens of their holders. */
  extendAll(now: number): string[]
  /** The oldest tasks that may be given out, at most `limit`. */
  ready(limit: number): TaskRow[]
  /** The place of the oldest of them. */
  nextPlace(): number | undefined
  /** Lets tasks whose pause is over be given out. */
  endPauses(now: number): void
  /** Tasks whose lease is over, those first that are over longest. */
  lapsed(now: number, limit: number): TaskRow[]
  /** When the next lease or pause is over. */
  nextDue(): number | undefined
  changedAfter(revision: number, limit: number): TaskRow[]
  /** Tasks in progress, those first whose lease ends first; those that failed, the latest first. */
  held(limit: number): TaskRow[]
  failures(limit: number): TaskRow[]
  /** How many tasks may be given out, pause, are in progress, have failed: each `most` at most. */
  count(most: number): { waiting: number; paused: number; running: number; failed: number }
  madeAfter(seq: number, limit: number): TaskRow[]
}

/** Makes the table where there is none, and brings one of an earlier version up. Throws on a file of a later one. */
export function openTaskTable(database: Sqlite): TaskTable {
  const version = readPragma(database, 'user_version') as number
  if (version > UPGRADES.length)
    throw new Error(`the file has version ${version}, not ${UPGRADES.length} or an earlier one`)
  const missing = UPGRADES.slice(version).join('')
  if (missing !== '') database.exec(`BEGIN; ${missing} PRAGMA user_version = ${UPGRADES.length}; COMMIT`)

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
    return (...values: number[]) =>
      (JSON.parse((statement.get(values) as [string])[0]) as Cell[][]).map(toRow)
  }
  const selectValue = (sql: string) => {
    const statement = database.prepare(sql).raw()
    return () => (statement.get() as Cell[])[0] as number | null
  }
  const find = selectOne('WHERE id = ?')
  const READY = 'INDEXED BY ready WHERE state = 0 AND ready_at IS NULL ORDER BY seq'
  const firstReady = selectOne(`${READY} LIMIT 1`)
  const ready = select(`${READY} LIMIT ?`)
  const lapsed = select('INDEXED BY leases WHERE state = 1 AND lease_until <= ? ORDER BY lease_until LIMIT ?')
  const changedAfter = select('INDEXED BY changes WHERE revision > ? ORDER BY revision LIMIT ?')
  const madeAfter = select('WHERE seq > ? ORDER BY seq LIMIT ?')
  const firstLease = selectValue('SELECT min(lease_until) FROM tasks INDEXED BY leases WHERE state = 1')
  const firstPause = selectValue(
    'SELECT min(ready_at) FROM tasks INDEXED BY delayed WHERE state = 0 AND ready_at IS NOT NULL',
  )
  const held = select('INDEXED BY leases WHERE state = 1 ORDER BY lease_until LIMIT ?')
  const failures = select('INDEXED BY failures WHERE state = 3 ORDER BY ended DESC LIMIT ?')
  const counter = (where: string) => {
    const statement = database
      .prepare(`SELECT count(*) FROM (SELECT 1 FROM tasks INDEXED BY ${where} LIMIT ?)`)
      .raw()
    return (most: number) => (statement.get(most) as [number])[0]
  }
  const countOf = {
    waiting: counter('ready WHERE state = 0 AND ready_at IS NULL'),
    paused: counter('delayed WHERE state = 0 AND ready_at IS NOT NULL'),
    running: counter('leases WHERE state = 1'),
    failed: counter('failures WHERE state = 3'),
  }
  const nextPlace = selectValue(
    'SELECT min(seq) FROM tasks INDEXED BY ready WHERE state = 0 AND ready_at IS NULL',
  )
  const insert = database.prepare(
    'INSERT INTO tasks (id, created, revision) VALUES (?, ?, ?) ON CONFLICT (id) DO NOTHING',
  )
  const update = database.prepare(`UPDATE tasks SET ${MUTABLE.replace(/\w+/g, '$& = ?')} WHERE seq = ?`)
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
    remove: row => void remove.run(row.seq),
    giveUp(id, now, until) {
      giveUp.run(id, now)
      forgetGivenUp.run(until)
    },
    isGivenUp: id => findGivenUp.get(id) !== undefined,
    extend: (row, until) => void extend.run(until, row.seq),
    extendAll: now => (extendAll.all(now) as [string][]).map(([token]) => token),
    ready(limit) {
      if (limit > 1) return ready(limit)
      const row = limit === 1 ? firstReady() : undefined
      return row === undefined ? [] : [row]
    },
    nextPlace: () => nextPlace() ?? undefined,
    endPauses: now => void endPauses.run(now),
    lapsed,
    nextDue() {
      const due = [firstLease(), firstPause()].filter(at => at !== null)
      return due.length === 0 ? undefined : Math.min(...due)
    },
    changedAfter,
    held,
    failures,
    count: most => ({
      waiting: countOf.waiting(most),
      paused: countOf.paused(most),
      running: countOf.running(most),
      failed: countOf.failed(most),
    }),
    madeAfter,
  }
}

/** The cells of `MUTABLE`, and behind them that of `seq`. */
function toCells(task: TaskRow): Cell[] {
  const { holder } = task
  return [
    task.state,
    task.attempt,
    holder?.token ?? task.finishedBy ?? null,
    holder === undefined ? null : Number(holder.isPlain),
    holder?.worker ?? null,
    holder?.leaseMs ?? null,
    holder?.until ?? null,
    task.errors,
    task.losses,
    task.readyAt ?? null,
    task.reason ?? null,
    task.result ?? null,
    task.endedAt ?? null,
    task.revision,
    task.takenAt ?? null,
    task.steps ?? null,
    task.seq,
  ]
}

/** The row of the cells of `COLUMNS`: cell by cell, in one literal, which engines make much faster than one gathered from parts. */
function toRow(cells: Cell[]): TaskRow {
  const state = cells[3] as number
  const token = (cells[5] ?? undefined) as string | undefined
  const isHeld = state === inProgress
  return {
    seq: cells[0] as number,
    id: cells[1] as number,
    createdAt: cells[2] as number,
    state,
    attempt: cells[4] as number,
    holder: isHeld ? toHolder(token as string, cells) : undefined,
    errors: cells[10] as number,
    losses: cells[11] as number,
    readyAt: (cells[12] ?? undefined) as number | undefined,
    reason: (cells[13] ?? undefined) as string | undefined,
    result: (cells[14] ?? undefined) as number | undefined,
    finishedBy: isHeld ? undefined : token,
    endedAt: (cells[15] ?? undefined) as number | undefined,
    revision: cells[16] as number,
    takenAt: (cells[17] ?? undefined) as number | undefined,
    steps: (cells[18] ?? undefined) as string | undefined,
  }
}

function toHolder(token: string, cells: Cell[]): Holder {
  return {
    token,
    isPlain: cells[6] === 1,
    worker: (cells[7] ?? undefined) as string | undefined,
    leaseMs: cells[8] as number,
    until: cells[9] as number,
  }
}
