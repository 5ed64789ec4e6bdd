import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'libsql'

export type Sqlite = InstanceType<typeof Database>

/**
 * Opens a SQLite file (`:memory:` in tests) for one connection of one process, every commit on disk before it returns:
 * WAL, synchronous FULL, locking EXCLUSIVE, all read back. Throws when another process has the file.
 */
export function openSqlite(path: string): Sqlite {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
  const database = new Database(path)
  const settings: [string, string | number][] = [
    ['locking_mode', 'exclusive'],
    ['journal_mode', path === ':memory:' ? 'memory' : 'wal'],
    ['synchronous', 2],
  ]
  try {
    for (const [name, value] of settings) {
      const found = readPragma(database, `${name} = ${value}`) ?? readPragma(database, name)
      if (found !== value) throw new Error(`SQLite has ${name} ${found} instead of ${value}`)
    }
  } catch (error) {
    database.close()
    if (/locked/.test((error as Error).message))
      throw new Error('another process has it open', { cause: error })
    throw error
  }
  return database
}

/**
 * Told of a commit that failed, but not for want of room. It must end the process: whether SQLite finds the transaction on
 * disk is only known when the file is opened anew.
 */
export type Fatal = (error: unknown) => void

/** Runs what commits. An error is `fatal`, since it leaves open what is on disk; but a full disk took nothing, for certain. */
export function commitWith(run: () => void, fatal: Fatal | undefined): void {
  try {
    run()
  } catch (error) {
    if ((error as { code?: string }).code !== 'SQLITE_FULL') fatal?.(error)
    throw error
  }
}

/** What a pragma says: its first column. (libsql ignores `{simple: true}`.) */
export function readPragma(database: Sqlite, pragma: string): unknown {
  const statement = database.prepare(`PRAGMA ${pragma}`)
  if (!statement.reader) {
    statement.run()
    return undefined
  }
  return (statement.raw().all() as unknown[][])[0]?.[0]
}

/**
 * Closes a file so that another process can open it at once, its log folded in. libsql keeps a closed connection's locks
 * until its statements are collected as garbage, so they are given up by hand.
 */
export function closeSqlite(database: Sqlite): void {
  for (const pragma of ['journal_mode = delete', 'locking_mode = normal', 'user_version'])
    readPragma(database, pragma)
  database.close()
}
