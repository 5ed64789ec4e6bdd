import { createBatch } from '../../kit/batch.ts'
import { failpoint } from '../../kit/failpoint.ts'
import { closeSqlite, type Fatal, openSqlite, readPragma } from '../../kit/sqlite.ts'
import type { Entry } from '../contract.ts'
import type { KvEngine } from '../engine.ts'
import { createLeases } from './leases.ts'

const SCHEMA_VERSION = 1
const SCHEMA = `
  CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID, STRICT;
`

export interface SqliteKvOptions {
  /** The file, or `:memory:`. */
  readonly path: string
  /** A clock in ms that never jumps. */
  readonly now?: () => number
  readonly fatal?: Fatal
}

/**
 * Plain entries in SQLite: what is asked in one turn of the event loop is one transaction, in order, and is on disk before
 * it is acknowledged or seen by anyone. Leased ones in memory.
 */
export function openSqliteKv({ path, now = () => performance.now(), fatal }: SqliteKvOptions): KvEngine {
  const database = openSqlite(path)
  if (readPragma(database, 'user_version') === 0)
    database.exec(`BEGIN; ${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
  failpoint('kv-store.file.opened')
  const selectOne = database.prepare('SELECT value FROM entries WHERE key = ?')
  const selectNext = database.prepare('SELECT key, value FROM entries WHERE key > ? ORDER BY key LIMIT 1000')
  const upsert = database.prepare(
    'INSERT INTO entries VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
  )
  const deleteOne = database.prepare('DELETE FROM entries WHERE key = ?')

  const leases = createLeases(now)
  const turns = new Map<string, number>()
  // Begins at the wall clock's ms, so that it is ahead of what an earlier start gave out; one a ms is never reached.
  let revision = Date.now()
  const changedAt = new Map<string, number>()
  const startedAt = revision
  const watchers = new Map<string, Set<() => void>>()
  let timer: NodeJS.Timeout | undefined
  // Of the present transaction: keys whose plain entry it changes, and those that lose their leased ones as well.
  const changed = new Set<string>()
  const emptied = new Set<string>()

  const markChanged = (key: string) => {
    revision += 1
    changedAt.set(key, revision)
    for (const wake of watchers.get(key) ?? []) wake()
  }
  const sweep = () => {
    for (const key of leases.sweep()) markChanged(key)
    clearTimeout(timer)
    const nextMs = leases.nextEndMs()
    if (nextMs !== undefined) timer = setTimeout(sweep, Math.max(nextMs, 1)).unref()
  }
  const plain = (key: string): Entry | undefined => {
    const row = selectOne.get(key) as { value: string } | undefined
    return row && { value: row.value }
  }
  const all = (key: string) => [...leases.of(key), plain(key) ?? []].flat()

  const startTurn = () => {
    changed.clear()
    emptied.clear()
  }
  const committed = () => {
    for (const key of emptied) if (leases.remove(key)) changed.add(key)
    for (const key of changed) markChanged(key)
    startTurn()
  }
  const batch = createBatch({ service: 'kv-store', database, committed, rolledBack: startTurn, fatal })

  return {
    async get(key) {
      const live = leases.of(key)
      if (live.length === 0) return plain(key)
      const turn = ((turns.get(key) ?? -1) + 1) % live.length
      turns.set(key, turn)
      return live[turn]
    },
    getAll: async key => all(key),
    set: (key, value) =>
      batch.run(() => {
        // Seen as those before it in this turn have left it.
        if (plain(key)?.value === value) return
        upsert.run(key, value)
        changed.add(key)
        failpoint('kv-store.value.set')
      }),
    async lease(key, value, instance, ttlSeconds) {
      const isChange = leases.put(key, instance, value, ttlSeconds * 1_000)
      if (isChange) markChanged(key)
      sweep()
      failpoint('kv-store.lease.set')
    },
    async remove(key, instance) {
      if (instance !== undefined) {
        if (leases.remove(key, instance)) markChanged(key)
        return
      }
      await batch.run(() => {
        emptied.add(key)
        if (deleteOne.run(key).changes === 0) return
        changed.add(key)
        failpoint('kv-store.entry.removed')
      })
    },
    async *list() {
      const leased = leases.keys().flatMap(key =>
        leases
          .of(key)
          .slice(0, 1)
          .map(({ value }) => ({ key, value })),
      )
      const rows = new Map(leased.map(row => [row.key, row]))
      let after = ''
      for (;;) {
        const page = selectNext.all(after) as { key: string; value: string }[]
        for (const { key, value } of page) if (!rows.has(key)) rows.set(key, { key, value })
        if (page.length === 0) break
        after = page.at(-1)?.key ?? ''
      }
      yield* [...rows.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
    },
    async watch(key, { since, waitMs, signal }) {
      const isNews = () => since > revision || (changedAt.get(key) ?? startedAt) > since
      if (!isNews() && waitMs > 0 && !signal.aborted) await waitForChange(watchers, key, waitMs, signal)
      return { revision, entries: all(key) }
    },
    async close() {
      if (!database.open) return
      batch.close()
      clearTimeout(timer)
      closeSqlite(database)
    },
  }
}

/** Resolves when `key` changes, when the time is up, or when nobody wants to know any more. */
function waitForChange(
  watchers: Map<string, Set<() => void>>,
  key: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise(resolve => {
    const ofKey = watchers.get(key) ?? new Set()
    watchers.set(key, ofKey)
    const wake = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', wake)
      ofKey.delete(wake)
      if (ofKey.size === 0) watchers.delete(key)
      resolve()
    }
    const timer = setTimeout(wake, waitMs)
    signal.addEventListener('abort', wake, { once: true })
    ofKey.add(wake)
  })
}
