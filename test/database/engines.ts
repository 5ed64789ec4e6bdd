import type { Test } from 'tap'
import type { Granted, TaskEngine } from '../../database/engine.ts'
import { openSqliteTasks, type SqliteTasksOptions } from '../../database/engines/sqlite.ts'

export const plain = { isPlain: true }
export const leased = { isPlain: false, worker: 'w1' }
export const LEASE_MS = 15_000
export const PLAIN_LEASE_MS = 120_000

type Lengths = Pick<SqliteTasksOptions, 'leaseMs' | 'plainLeaseMs'>
type Open = (clock: { ms: number }, lengths: Lengths) => TaskEngine

/** Every engine of the database, empty. `clock.ms` is the time it is told. */
const engines: Record<string, Open> = {
  sqlite: (clock, lengths) =>
    openSqliteTasks({ path: ':memory:', wall: () => clock.ms, now: () => clock.ms, ...lengths }),
}

/** Opens an engine for one test. */
type OpenFor = ReturnType<typeof opener>

/** Runs a suite on every engine. */
export function forEachEngine(suite: (name: string, openFor: OpenFor) => void): void {
  for (const [name, open] of Object.entries(engines)) suite(name, opener(open))
}

const opener =
  (open: Open) =>
  (t: Test, lengths: Lengths = {}) => {
    const clock = { ms: 1_000 }
    const engine = open(clock, lengths)
    t.teardown(() => engine.close())
    /** Time passes; an engine sees what is due at the latest when it is asked for something. */
    const pass = async (ms: number) => {
      clock.ms += ms
      await engine.remove(999_999)
    }
    const take = async () => tokenOf(await engine.take(leased))
    return { clock, engine, pass, take }
  }

/** Lets one turn of the event loop pass. */
export const turn = () => new Promise(resolve => setImmediate(resolve))

/** What must be there. */
export function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing was given')
  return value
}

/** A grant with its token. */
export function tokenOf(granted: Granted | undefined): Granted & { token: string } {
  const { grant, mark } = given(granted)
  return { grant, mark, token: given(grant.token) }
}
