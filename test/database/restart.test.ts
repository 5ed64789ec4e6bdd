import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { finished, inProgress, notStarted } from '../../database/contract.ts'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { armFailpoints } from '../../kit/failpoint.ts'
import { closeSqlite, openSqlite, readPragma } from '../../kit/sqlite.ts'
import { leased, plain, tokenOf } from './engines.ts'

const DAY_MS = 86_400_000

/** A file that is opened again and again, under a wall clock that jumps and a clock that begins at 0 each time. */
function openFile(t: Test) {
  const path = `${t.testdir()}/tasks.db`
  const clock = { wall: 10 * DAY_MS, ms: 0 }
  const open = () => openSqliteTasks({ path, wall: () => clock.wall, now: () => clock.ms })
  let engine = open()
  const close = () => engine.close()
  const restart = async (jumpMs: number) => {
    await engine.close()
    clock.wall += jumpMs
    clock.ms = 0
    engine = open()
    return engine
  }
  const pass = async (ms: number) => {
    clock.ms += ms
    await engine.remove(999_999)
  }
  return { clock, path, engine, restart, pass, close }
}

t.test('what was acknowledged is there after the process was killed', async t => {
  for (let kill = 0; kill < 2; kill++) {
    const path = `${t.testdir()}/tasks.db`
    const driver = fileURLToPath(import.meta.url).replace(/restart\.test(\.[jt]s)$/, 'inserter$1')
    const child = spawn(process.execPath, [...process.execArgv, driver, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(line)
      if (said.length === 40 + 101 * kill) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    t.equal(child.signalCode, 'SIGKILL')

    const engine = openSqliteTasks({ path })
    for (const line of said) {
      const [what, id] = line.split(' ')
      const task = await engine.get(Number(id))
      if (task === undefined || (what === 'finished' && task.state !== finished)) t.fail(`lost: ${line}`)
    }
    t.ok(said.length >= 40)
    const { revision } = await engine.changes({ since: 0, waitMs: 0 })
    const next = await engine.newTask()
    const { tasks: news } = await engine.changes({ since: revision, waitMs: 0 })
    t.same(
      news.map(({ id }) => id),
      [next],
    )
    await engine.close()
    const database = openSqlite(path)
    t.equal(readPragma(database, 'integrity_check'), 'ok')
    database.close()
  }
})

for (const jumpMs of [-DAY_MS, -10_000, 0, 3_600_000, DAY_MS]) {
  t.test(
    `a restart with the wall clock ${jumpMs} ms away gives a running lease its length again`,
    async t => {
      const { engine, restart, pass, close } = openFile(t)
      await engine.newTask(1)
      await engine.newTask(2)
      const { token } = tokenOf(await engine.take(leased))
      await engine.take(plain)
      await pass(14_000)
      const after = await restart(jumpMs)
      await pass(14_999)
      t.equal((await after.get(1))?.state, inProgress)
      await pass(1)
      t.match(await after.get(1), { state: notStarted })
      await t.rejects(after.finish(1, token), { code: 'conflict' })
      t.equal((await after.get(2))?.state, inProgress)
      await pass(105_000)
      t.match(await after.get(2), { state: notStarted })
      await close()
    },
  )
}

t.test('a lease that a restart cut short is no loss, one that was renewed since is', async t => {
  const { engine, restart, pass, close } = openFile(t)
  await engine.newTask(1)
  await engine.newTask(2)
  await engine.take(leased)
  const { token } = tokenOf(await engine.take(leased))
  const after = await restart(0)
  await after.renew(2, token)
  await pass(15_000)
  t.match(await after.get(1), { state: notStarted, losses: 0 })
  t.match(await after.get(2), { state: notStarted, losses: 1 })
  await after.take(leased)
  await pass(15_000)
  t.match(await after.get(1), { losses: 1 })
  await close()
})

t.test(
  'a lease that a restart cut short is no loss, though the disk failed when that was written',
  async t => {
    const { engine, restart, pass, close } = openFile(t)
    await engine.newTask(1)
    await engine.newTask(2)
    await engine.take(leased)
    const { token } = tokenOf(await engine.take(leased))
    const after = await restart(0)
    t.teardown(() => armFailpoints(''))
    armFailpoints('database.turn.settled=error*1')
    await t.rejects(after.renew(2, token), { code: 'SQLITE_IOERR' })
    armFailpoints('database.turn.settled=error*1')
    await t.rejects(pass(15_000), { code: 'SQLITE_IOERR' })
    await pass(0)
    t.match(await after.get(1), { state: notStarted, losses: 0 })
    t.match(await after.get(2), { state: notStarted, losses: 0 })
    await close()
  },
)

t.test('a wall clock that jumps while it runs is not noticed', async t => {
  const { clock, engine, pass, close } = openFile(t)
  await engine.newTask(1)
  await engine.take(leased)
  clock.wall += DAY_MS
  await pass(14_999)
  t.match(await engine.get(1), { state: inProgress, ageMs: 14_999 })
  clock.wall -= 2 * DAY_MS
  await pass(1)
  t.equal((await engine.get(1))?.state, notStarted)
  await close()
})

t.test('a pause is not longer for a wall clock that was set back', async t => {
  const { engine, restart, pass, close } = openFile(t)
  await engine.newTask(1)
  for (let loss = 0; loss < 2; loss++) {
    await engine.take(leased)
    await pass(15_000)
  }
  const after = await restart(-DAY_MS)
  t.equal(await after.take(leased), undefined)
  await pass(1_000)
  t.match((await after.take(leased))?.grant, { id: 1, attempt: 3 })
  t.ok(((await after.get(1))?.ageMs ?? -1) >= 0)
  await close()
})

t.test(
  'a holder renews and finishes over a restart, and the finish may be said again after another',
  async t => {
    const { engine, restart, close } = openFile(t)
    await engine.newTask(1)
    const { token } = tokenOf(await engine.take(leased))
    const second = await restart(0)
    await second.renew(1, token)
    await second.finish(1, token)
    const third = await restart(0)
    await third.finish(1, token)
    t.match(await third.get(1), { state: finished, result: 1 })
    await close()
  },
)

t.test(
  'revisions and the order of work go on over a restart, also when the last task was removed',
  async t => {
    const { engine, restart, close } = openFile(t)
    for (const id of [3, 2, 1]) await engine.newTask(id)
    const { revision } = await engine.changes({ since: 0, waitMs: 0 })
    await engine.remove(1)
    const after = await restart(0)
    const page = await after.changes({ since: revision, waitMs: 0 })
    t.same(
      page,
      { revision: revision + 1, next: 1, tasks: [], removed: undefined },
      'and says that it forgot',
    )
    await after.newTask(0)
    const news = await after.changes({ since: revision, waitMs: 0 })
    t.ok(news.revision > revision)
    t.match(news.tasks, [{ id: 0 }])
    t.equal((await after.take(plain))?.grant.id, 3)
    await close()
  },
)

t.test('no revision comes twice, also after a turn that was undone and a kill', async t => {
  const { path, engine, close } = openFile(t)
  t.teardown(() => armFailpoints(''))
  armFailpoints('database.turn.settled=error*1')
  await t.rejects(engine.newTask(1), { code: 'SQLITE_IOERR' })
  await engine.newTask(2)
  const killed = `${path}.killed`
  for (const end of ['', '-wal']) copyFileSync(`${path}${end}`, `${killed}${end}`)
  const after = openSqliteTasks({ path: killed })
  const { revision } = await after.changes({ since: 0, waitMs: 0 })
  await after.newTask(3)
  const { tasks: news } = await after.changes({ since: revision, waitMs: 0 })
  t.same(
    news.map(({ id }) => id),
    [3],
  )
  await after.close()
  await close()
})

/** What was added to files of the first version as time went by. */
const shapes = {
  'as it was at first': 'DROP TABLE given_up; DROP INDEX failures;',
  'with ids that were given up': 'DROP INDEX failures;',
  'with an index of failures as well': '',
}
for (const [shape, drop] of Object.entries(shapes))
  t.test(`a file of the first version, ${shape}, is brought up, its tasks included`, async t => {
    const { path, engine } = openFile(t)
    await engine.newTask(1)
    await engine.close()
    const database = openSqlite(path)
    database.exec('ALTER TABLE tasks DROP COLUMN taken; ALTER TABLE tasks DROP COLUMN steps')
    database.exec(`DROP TABLE journal; ${drop} PRAGMA user_version = 1`)
    closeSqlite(database)
    const after = openSqliteTasks({ path })
    const { token } = tokenOf(await after.take(leased))
    await after.finish(1, token, { steps: '1.2.3' })
    t.match(await after.get(1), { state: finished, takenMs: Number, stepsMs: [1, 2, 3] })
    await after.close()
  })

t.test('a file of the second version is brought up, whoever holds its tasks included', async t => {
  const { path, engine } = openFile(t)
  for (const id of [1, 2]) await engine.newTask(id)
  const { token } = tokenOf(await engine.take(leased))
  await engine.renew(1, token)
  await engine.close()
  const database = openSqlite(path)
  database.exec('DROP TABLE journal; PRAGMA user_version = 2')
  closeSqlite(database)
  const after = openSqliteTasks({ path })
  await after.finish(1, token)
  t.match(await after.get(1), { state: finished, attempt: 1, result: 1 })
  t.match((await after.take(leased))?.grant, { id: 2, attempt: 1 })
  await after.close()
})

t.test('a file that is in use, or of another version, is not opened', async t => {
  const { path, engine } = openFile(t)
  t.throws(() => openSqliteTasks({ path }), /another process has it open/)
  await engine.close()
  const database = openSqlite(path)
  database.exec('PRAGMA user_version = 99')
  closeSqlite(database)
  t.throws(() => openSqliteTasks({ path }), /version 99/)
})
