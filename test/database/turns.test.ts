import t from 'tap'
import { finished, inProgress, notStarted } from '../../database/contract.ts'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { armFailpoints } from '../../kit/failpoint.ts'

t.test('a turn that is undone leaves the engine as it was, and who waited before it waits on', async t => {
  const engine = openSqliteTasks({ path: ':memory:' })
  t.teardown(() => engine.close())
  const waiting = { isPlain: false, waitMs: 60_000 }
  const poll = engine.take(waiting)
  await engine.remove(1)
  const notAnId = 'x' as unknown as number
  const answers = [engine.newTask(1), engine.newTask(notAnId), engine.take(waiting)]
  for (const { status } of await Promise.allSettled(answers)) t.equal(status, 'rejected')
  t.equal(await engine.get(1), undefined)
  t.same(await engine.changes({ since: 0, waitMs: 0 }), { revision: 0, tasks: [], removed: [] })
  await engine.newTask(2)
  t.match((await poll)?.grant, { id: 2, attempt: 1 })
  t.match(await engine.changes({ since: 0, waitMs: 0 }), { revision: 2, tasks: [{ id: 2 }] })
})

t.test('a disk that fails before the commit undoes the turn, at whichever step', async t => {
  const engine = openSqliteTasks({ path: ':memory:' })
  t.teardown(async () => {
    armFailpoints('')
    await engine.close()
  })
  for (const step of ['begun', 'written', 'settled']) {
    armFailpoints(`database.turn.${step}=error*1`)
    await t.rejects(engine.newTask(1), { code: 'SQLITE_IOERR' }, step)
    t.equal(await engine.get(1), undefined, step)
  }
  t.equal(await engine.newTask(1), 1)
})

t.test('what was granted, renewed or finished in a turn that is undone was not', async t => {
  const engine = openSqliteTasks({ path: ':memory:' })
  t.teardown(async () => {
    armFailpoints('')
    await engine.close()
  })
  const undone = async (write: Promise<unknown>) => {
    await t.rejects(write, { code: 'SQLITE_IOERR' })
    const { attempt, state, result } = (await engine.get(1)) ?? {}
    return { attempt, state, result }
  }
  const arm = () => armFailpoints('database.turn.settled=error*1')
  const worker = { isPlain: false, waitMs: 0 }
  await engine.newTask(1)
  const waiting = { attempt: 0, state: notStarted, result: undefined }
  arm()
  t.same(await undone(engine.take(worker)), waiting)

  const token = (await engine.take(worker))?.grant.token ?? ''
  const held = { ...waiting, attempt: 1, state: inProgress }
  for (const write of [() => engine.finish(1, token), () => engine.renew(1, token), () => engine.remove(1)]) {
    arm()
    t.same(await undone(write()), held)
  }
  await engine.finish(1, token)
  t.match(await engine.get(1), { state: finished, attempt: 1, result: 1 })
})

t.test('whose lease was over in a turn that was undone is still the holder', async t => {
  let clock = 0
  const engine = openSqliteTasks({ path: ':memory:', leaseMs: 1_000, now: () => clock })
  t.teardown(async () => {
    armFailpoints('')
    await engine.close()
  })
  await engine.newTask(1)
  const token = (await engine.take({ isPlain: false, waitMs: 0 }))?.grant.token ?? ''
  clock += 1_001
  armFailpoints('database.turn.settled=error*1')
  await t.rejects(engine.newTask(2), { code: 'SQLITE_IOERR' })
  await engine.renew(1, token)
  t.match(await engine.get(1), { state: inProgress, losses: 0 })

  clock += 1_001
  await engine.newTask(3)
  t.match(await engine.get(1), { losses: 1 })
  armFailpoints('database.turn.settled=error*1')
  await t.rejects(engine.renew(1, token), { code: 'SQLITE_IOERR' })
  await t.rejects(engine.renew(1, token), { code: 'conflict' }, 'and is heard of again, as often as it takes')
  t.match(await engine.get(1), { losses: 0 })
})
