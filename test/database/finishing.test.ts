import t from 'tap'
import { failed, finished, inProgress, notStarted } from '../../database/contract.ts'
import { forEachEngine, given, LEASE_MS, leased, PLAIN_LEASE_MS, plain, tokenOf } from './engines.ts'

forEachEngine((name, openFor) => {
  t.test(`${name}: finishing`, async t => {
    t.test('the present holder finishes with its attempt as the result, and may say so again', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      await take()
      await pass(LEASE_MS)
      const { token } = await take()
      await engine.finish(1, token)
      await engine.finish(1, token)
      t.match(await engine.get(1), { state: finished, attempt: 2, result: 2 })
    })

    t.test('the holder gets the oldest task that waits together with the end of his', async t => {
      const { engine, take } = openFor(t)
      for (const id of [3, 1, 2]) await engine.newTask(id)
      const { token } = await take()
      const { revision } = await engine.changes({ since: 0, waitMs: 0 })
      const next = tokenOf(await engine.finish(3, token, { next: leased }))
      t.match(next.grant, { id: 1, attempt: 1, leaseMs: LEASE_MS })
      const after = await engine.changes({ since: revision, waitMs: 0 })
      t.match(after.tasks, [
        { id: 3, state: finished },
        { id: 1, state: inProgress },
      ])
      t.match(await engine.finish(1, next.token, { next: leased }), { grant: { id: 2 } })
    })

    t.test('there is no next one while none waits, and those who wait come first', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      t.equal(await engine.finish(1, token, { next: leased }), undefined)
      const waiting = engine.take({ ...leased, waitMs: 1_000 })
      await engine.newTask(2)
      const { token: second } = tokenOf(await waiting)
      const [next] = await Promise.all([engine.finish(2, second, { next: leased }), engine.take(leased)])
      t.equal(next, undefined)
      const [granted, , third] = await Promise.all([
        engine.finish(2, second, { next: leased }),
        engine.newTask(3),
        engine.take(leased),
      ])
      t.equal(third?.grant.id, 3)
      t.equal(granted, undefined)
    })

    t.test('who is refused gets none', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      await engine.newTask(2)
      await take()
      await t.rejects(engine.finish(1, 'another', { next: leased }), { code: 'conflict' })
      t.match(await engine.get(2), { state: notStarted, attempt: 0 })
    })

    t.test('50 finishes at once are one', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      const { revision } = await engine.changes({ since: 0, waitMs: 0 })
      await Promise.all(Array.from({ length: 50 }, () => engine.finish(1, token)))
      const after = await engine.changes({ since: 0, waitMs: 0 })
      t.equal(after.revision, revision + 1)
    })

    t.test('nobody but the present holder finishes', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      await t.rejects(engine.finish(1), { code: 'conflict' })
      const zombie = await take()
      await t.rejects(engine.finish(1), { code: 'conflict' })
      await t.rejects(engine.finish(1, 'another'), { code: 'conflict' })
      await pass(LEASE_MS)
      await t.rejects(engine.finish(1, zombie.token), { code: 'conflict' })
      const { token } = await take()
      await t.rejects(engine.finish(1, zombie.token), { code: 'conflict' })
      await engine.finish(1, token)
      await t.rejects(engine.finish(1, zombie.token), { code: 'conflict' })
      await t.rejects(engine.finish(1), { code: 'conflict' })
      await t.rejects(engine.finish(2, token), { code: 'not-found' })
      t.equal((await engine.get(1))?.result, 2)
    })

    t.test('a plain grant is finished without a token, once, with the plain result', async t => {
      const { engine, take, pass } = openFor(t)
      await engine.newTask(1)
      await take()
      await pass(LEASE_MS)
      await engine.take(plain)
      await t.rejects(engine.finish(1, 'any'), { code: 'conflict' })
      await engine.finish(1)
      t.match(await engine.get(1), { state: finished, attempt: 1, result: 0 })
      await t.rejects(engine.finish(1), { code: 'conflict' })
    })
  })

  t.test(`${name}: the operator's override`, async t => {
    t.test('0 ends a grant, and sends a failed task again with its counters at 0', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      await engine.set(1, notStarted)
      await t.rejects(engine.renew(1, token), { code: 'conflict' })
      for (let i = 0; i < 3; i++) {
        await engine.fail(1, (await take()).token, { mayRetry: i < 2, reason: 'x' })
        if (i < 2) await engine.set(1, notStarted)
      }
      t.equal((await engine.get(1))?.state, failed)
      await engine.set(1, notStarted)
      const { reason, endedMs, ...task } = given(await engine.get(1))
      t.match(task, { state: notStarted, errors: 0, losses: 0, attempt: 4 })
      t.same([reason, endedMs], [undefined, undefined])
    })

    t.test('1 grants it plainly', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      await engine.set(1, inProgress)
      await t.rejects(engine.finish(1, token), { code: 'conflict' })
      await pass(PLAIN_LEASE_MS - 1)
      t.equal((await engine.get(1))?.state, inProgress)
      await engine.finish(1)
      t.match(await engine.get(1), { state: finished, result: 0 })
    })

    t.test('2 finishes it with the plain result, 3 fails it', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      await engine.newTask(2)
      const { token } = await take()
      await engine.set(1, finished)
      await engine.set(2, failed)
      t.match(await engine.get(1), { state: finished, result: 0 })
      t.match(await engine.get(2), { state: failed, reason: 'Failed by the operator.' })
      await t.rejects(engine.finish(1, token), { code: 'conflict' })
      t.equal(await engine.take(leased), undefined)
    })

    t.test('a finished task stays as it is', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      await engine.finish(1, (await take()).token)
      for (const state of [notStarted, inProgress, failed])
        await t.rejects(engine.set(1, state), { code: 'conflict' })
      await engine.set(1, finished)
      t.match(await engine.get(1), { state: finished, result: 1 })
      await t.rejects(engine.set(2, finished), { code: 'not-found' })
    })

    t.test('a removed task is forgotten, its holder too', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      const gone = engine.get(1, { waitMs: 60_000 })
      await engine.remove(1)
      await engine.remove(1)
      t.equal(await gone, undefined)
      await t.rejects(engine.finish(1, token), { code: 'not-found' })
      t.same((await engine.changes({ since: 0, waitMs: 0 })).tasks, [])
    })
  })
})
