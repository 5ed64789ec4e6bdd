import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { failed, finished, inProgress, notStarted } from '../../database/contract.ts'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { forEachEngine, leased } from './engines.ts'

const HOUR = 3_600_000
const conflict = { code: 'conflict' }

forEachEngine((name, openFor) => {
  t.test(`${name}: a task is given up once it has ended that long ago, and not before`, async t => {
    const { engine, take, pass } = openFor(t)
    for (const id of [1, 2]) await engine.newTask(id)
    await engine.finish(1, (await take()).token)
    await engine.fail(2, (await take()).token, { mayRetry: false, reason: 'broken' })
    await pass(999)
    for (const id of [1, 2]) await t.rejects(engine.giveUp(id, 1_000), conflict)
    t.match(await engine.get(1), { state: finished })
    t.match(await engine.get(2), { state: failed })
    await pass(1)
    for (const id of [1, 2]) await engine.giveUp(id, 1_000)
    for (const id of [1, 2]) t.equal(await engine.get(id), undefined)
  })

  t.test(`${name}: a task that waits or runs is never given up, however old it is`, async t => {
    const { engine, take, pass } = openFor(t)
    for (const id of [1, 2]) await engine.newTask(id)
    const { token } = await take()
    await pass(14_999)
    await engine.renew(1, token)
    for (const id of [1, 2]) await t.rejects(engine.giveUp(id, 0), conflict)
    t.match(await engine.get(1), { state: inProgress })
    t.match(await engine.get(2), { state: notStarted })
  })

  t.test(`${name}: a failed task that was set back to 0 is not given up any more`, async t => {
    const { engine, take, pass } = openFor(t)
    await engine.newTask(1)
    await engine.fail(1, (await take()).token, { mayRetry: false, reason: 'broken' })
    await pass(HOUR)
    await engine.set(1, notStarted)
    await t.rejects(engine.giveUp(1, 1_000), conflict)
    t.match((await engine.take(leased))?.grant, { id: 1, attempt: 2 })
  })

  t.test(`${name}: in one turn either the task is made or its id is given up, never both`, async t => {
    const { engine } = openFor(t)
    const [made, lost] = await Promise.allSettled([engine.newTask(1), engine.giveUp(1, 0)])
    t.match([made.status, lost.status], ['fulfilled', 'rejected'])
    const [given, late] = await Promise.allSettled([engine.giveUp(2, 0), engine.newTask(2)])
    t.match([given.status, late.status], ['fulfilled', 'rejected'])
    t.equal(await engine.get(2), undefined)
  })

  t.test(`${name}: under an id that was given up no task is made for an hour, others are`, async t => {
    const { engine, take, pass } = openFor(t)
    await engine.newTask(1)
    await engine.finish(1, (await take()).token)
    for (const id of [1, 2]) await engine.giveUp(id, 0)
    await pass(HOUR - 1)
    // Giving up another one lets go of those that are old enough.
    await engine.giveUp(3, 0)
    for (const id of [1, 2]) await t.rejects(engine.newTask(id), conflict)
    t.equal(await engine.newTask(4), 4)
    t.ok(await engine.newTask())
    await pass(2)
    await engine.giveUp(5, 0)
    t.equal(await engine.newTask(2), 2)
    await t.rejects(engine.newTask(3), conflict)
  })

  t.test(`${name}: giving up twice is fine, and a plain removal gives nothing up`, async t => {
    const { engine } = openFor(t)
    for (let i = 0; i < 2; i++) await engine.giveUp(1, 1_000)
    await engine.newTask(2)
    await engine.remove(2)
    t.equal(await engine.newTask(2), 2)
  })
})

t.test('an id stays given up over a restart', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'tasks.db')
  const before = openSqliteTasks({ path })
  await before.giveUp(1, 0)
  await before.close()
  const after = openSqliteTasks({ path })
  t.teardown(() => after.close())
  await t.rejects(after.newTask(1), conflict)
})
