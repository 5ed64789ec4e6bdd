import { copyFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { finished, inProgress } from '../../database/contract.ts'
import { type Journal, keepJournal } from '../../database/engines/journal.ts'
import { finishHeld, grantTo, type Holder, heldBy } from '../../database/engines/life.ts'
import type { TaskRow } from '../../database/engines/row.ts'
import { openTaskTable } from '../../database/engines/tasks.ts'
import { openSqlite } from '../../kit/sqlite.ts'
import { given } from './engines.ts'

const NOW = 1_000
const holder: Holder = { token: 't', isPlain: false, worker: 'w', leaseMs: 100, until: NOW + 100 }

/** A file, and its journal, which tells when the table is written. */
function open(t: Test, path = `${t.testdir()}/tasks.db`, mostBehind = 256) {
  const database = openSqlite(path)
  t.teardown(() => database.close())
  const table = openTaskTable(database)
  const written: number[] = []
  const update = (row: TaskRow) => {
    written.push(row.id)
    table.update(row)
  }
  const journal = keepJournal({ ...table, update }, mostBehind)
  let revision = 0
  /** Makes tasks, gives out the first of them, and finishes some of those. */
  const fill = (made: readonly number[], granted: number, ended: readonly number[]) => {
    database.exec('BEGIN')
    for (const id of made) journal.insert({ id, createdAt: NOW, revision: ++revision })
    for (const row of journal.ready(granted)) journal.give({ ...grantTo(row, holder), revision: ++revision })
    for (const id of ended)
      journal.finish({ ...finishHeld(heldBy(journal.find(id), 't'), NOW), revision: ++revision })
    journal.endTurn()
    database.exec('COMMIT')
    journal.committed()
  }
  return { path, database, table, journal, written, fill }
}

const stateOf = (tasks: Pick<Journal, 'find'>, id: number) => given(tasks.find(id)).state

t.test(
  'what is given out and finished is written into the table once it lags behind by more than so many',
  async t => {
    const { journal, table, written, fill } = open(t, undefined, 2)
    fill([1, 2, 3], 2, [1])
    t.same([stateOf(journal, 1), stateOf(table, 1), written], [finished, 0, []])
    fill([], 1, [2])
    t.same(written, [1, 2, 3])
    t.same([stateOf(table, 1), stateOf(table, 2), stateOf(table, 3)], [finished, finished, inProgress])
    t.same(table.noted(), [])
  },
)

t.test('looking for what is due writes only if something is', async t => {
  const { journal, written, fill } = open(t)
  fill([1, 2, 3], 2, [1])
  t.same(journal.lapsed(NOW + 99, 10), [])
  t.equal(journal.nextDue(), NOW + 100)
  journal.endPauses(NOW + 1_000)
  t.same(written, [])
  t.match(journal.lapsed(NOW + 100, 10), [{ id: 2 }])
  journal.update({ ...given(journal.find(3)), readyAt: NOW + 50 })
  t.equal(journal.nextDue(), NOW + 50)
  t.same(journal.ready(1), [])
  journal.endPauses(NOW + 50)
  t.match(journal.ready(1), [{ id: 3 }])
  fill([], 0, [2])
  t.same(journal.lapsed(NOW + 100, 10), [], 'the table still has its lease')
  t.equal(journal.nextDue(), undefined)
})

t.test('a task whose pause is over comes before those that were given out meanwhile', async t => {
  const { journal, fill } = open(t)
  fill([1, 2, 3], 0, [])
  journal.update({ ...given(journal.find(1)), readyAt: NOW + 50 })
  fill([], 1, [])
  t.equal(stateOf(journal, 2), inProgress)
  journal.endPauses(NOW + 50)
  t.match(journal.ready(2), [{ id: 1 }, { id: 3 }])
})

t.test('a task is given out in its turn alone', async t => {
  const { journal, fill } = open(t)
  fill([1, 2], 0, [])
  const [, second] = journal.ready(2)
  t.throws(() => journal.give(grantTo(given(second), holder)), /out of its turn/)
})

t.test('who opens the file after a kill has to write nothing, unless somebody holds a task', async t => {
  const { path, fill } = open(t)
  fill([1, 2, 3], 1, [1])
  fill([], 1, [])
  const copy = (name: string) => {
    for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, `${path}${name}${end}`)
    return `${path}${name}`
  }
  const held = open(t, copy('.held'))
  t.same([stateOf(held.journal, 1), stateOf(held.journal, 2)], [finished, inProgress])
  t.match(held.journal.ready(2), [{ id: 3 }])
  t.same(held.written, [])
  t.same(held.journal.extendAll(NOW + 500), ['t'])
  t.same(held.written, [1, 2])
  t.equal(held.journal.nextDue(), NOW + 600)

  fill([], 0, [2])
  const free = open(t, copy('.free'))
  t.same(free.journal.extendAll(NOW + 500), [])
  t.same(free.written, [])
  t.match(free.journal.ready(2), [{ id: 3 }])
  t.equal(free.journal.nextDue(), undefined)
})

t.test('once all leases were extended whoever asks is told how long they last now', async t => {
  const { journal, table, fill } = open(t)
  fill([1], 1, [])
  t.same(journal.extendAll(NOW + 500), ['t'])
  for (const tasks of [journal, table]) t.match(tasks.find(1), { holder: { until: NOW + 600 } })
})
