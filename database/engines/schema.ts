import { readPragma, type Sqlite } from '../../kit/sqlite.ts'

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
// What became of tasks lately, an array of their rows for each transaction: newer than what the table says of them.
const JOURNAL = 'CREATE TABLE journal (turn INTEGER PRIMARY KEY, rows TEXT NOT NULL) STRICT;'
/** What makes a file of each version one of the next; some of version 1 have a part of what makes them 2. */
const UPGRADES = [SCHEMA, GIVEN_UP + FAILURES + TIMES, JOURNAL]

/** Makes the tables where there are none, and brings those of an earlier version up. Throws on a file of a later one. */
export function bringUp(database: Sqlite): void {
  const version = readPragma(database, 'user_version') as number
  if (version > UPGRADES.length)
    throw new Error(`the file has version ${version}, not ${UPGRADES.length} or an earlier one`)
  const missing = UPGRADES.slice(version).join('')
  if (missing !== '') database.exec(`BEGIN; ${missing} PRAGMA user_version = ${UPGRADES.length}; COMMIT`)
}
