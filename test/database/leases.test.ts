import t from 'tap'
import { failed, inProgress, notStarted } from '../../database/contract.ts'
import { forEachEngine, LEASE_MS, leased, PLAIN_LEASE_MS, plain, tokenOf } from './engines.ts'

forEachEngine((name, openFor) => {
  t.test(`${name}: leases`, async t => {
    t.test('a lease that ends returns its task to its place in the queue', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      await engine.newTask(2)
      const { token } = await take()
      await pass(LEASE_MS - 1)
      t.equal((await engine.get(1))?.state, inProgress)
      await pass(1)
      t.match(await engine.get(1), { state: notStarted, attempt: 1, losses: 1, errors: 0 })
      for (const refused of [engine.renew(1, token), engine.release(1, token)])
        await t.rejects(refused, { code: 'conflict' })
      const again = await take()
      t.match(again.grant, { id: 1, attempt: 2 })
      t.not(again.token, token)
    })

    t.test(
      'a holder who is heard of after his lease was over lives, so his loss is taken back, once',
      async t => {
        const { engine, pass, take } = openFor(t)
        await engine.newTask(1)
        const first = await take()
        await pass(LEASE_MS)
        const second = await take()
        t.match(second.grant, { alone: true })
        await t.rejects(engine.finish(1, first.token), { code: 'conflict' })
        t.match(await engine.get(1), { state: inProgress, attempt: 2, losses: 0 })
        await pass(LEASE_MS)
        t.match(await engine.get(1), { losses: 1 })
        await t.rejects(engine.renew(1, first.token), { code: 'conflict' })
        t.match(await engine.get(1), { losses: 1 })
      },
    )

    t.test('a worker that fell silent is given nothing more on what it asked for before', async t => {
      const { engine, pass } = openFor(t)
      await engine.newTask(1)
      const silent = { isPlain: false, worker: 'silent', waitMs: 10 * LEASE_MS }
      t.match(await engine.take(silent), { grant: { id: 1, attempt: 1 } })
      const unheard = [engine.take(silent), engine.take(silent)]
      const other = engine.take({ ...silent, worker: 'other' })
      await pass(1)
      await pass(LEASE_MS)
      t.same(await Promise.all(unheard), [undefined, undefined])
      t.match(await other, { grant: { id: 1, attempt: 2 } })
      t.match(await engine.get(1), { losses: 1 })
    })

    t.test(
      'a worker that is to run a task alone is given nothing beside it, nor together with it',
      async t => {
        const { engine, pass } = openFor(t)
        for (const id of [1, 2, 3]) await engine.newTask(id)
        const lost = { ...leased, worker: 'lost' }
        await Promise.all([engine.take(lost), engine.take(lost)])
        await pass(LEASE_MS)
        const waiting = { ...leased, waitMs: 10 * LEASE_MS }
        const asks = [engine.take(waiting), engine.take(waiting), engine.take(waiting)]
        const first = tokenOf(await asks[0])
        t.match(first.grant, { id: 1, alone: true })
        t.match(await engine.take({ ...leased, worker: 'other' }), { grant: { id: 2, alone: true } })
        t.match(await engine.take(plain), { grant: { id: 3 } }, 'who has no name is somebody else')
        await engine.newTask(4)
        t.match(await engine.get(4), { state: notStarted })
        await engine.finish(1, first.token)
        t.match(await asks[1], { grant: { id: 4, alone: false } })
        await engine.newTask(5)
        t.match(await asks[2], { grant: { id: 5 } }, 'and what is not to be run alone holds up nothing')
      },
    )

    t.test('a grant of one to be run alone that is undone holds up nothing', async t => {
      const { engine, pass } = openFor(t)
      for (const id of [1, 2]) await engine.newTask(id)
      await engine.take({ ...leased, worker: 'lost' })
      await pass(LEASE_MS)
      const undone = await engine.take(leased)
      t.match(undone?.grant, { id: 1, alone: true })
      await engine.undoGrant(1, undone?.mark ?? '')
      await engine.set(1, inProgress)
      t.match(await engine.take(leased), { grant: { id: 2 } })
    })

    t.test('a plain grant lasts longer', async t => {
      const { engine, pass } = openFor(t)
      await engine.newTask(1)
      await engine.take(plain)
      await pass(PLAIN_LEASE_MS - 1)
      t.equal((await engine.get(1))?.state, inProgress)
      await pass(1)
      t.match(await engine.get(1), { state: notStarted, losses: 1 })
      await t.rejects(engine.finish(1), { code: 'conflict' })
    })

    t.test('a lease that is renewed does not end', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      for (let i = 0; i < 5; i++) {
        await pass(LEASE_MS - 1)
        await engine.renew(1, token)
      }
      t.match(await engine.get(1), { state: inProgress, losses: 0 })
      await t.rejects(engine.renew(1, 'another'), { code: 'conflict' })
      await t.rejects(engine.renew(2, token), { code: 'not-found' })
    })

    t.test('a late renewal wins while nobody has taken the task back', async t => {
      const { clock, engine, pass, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      clock.ms += LEASE_MS + 1
      const [other] = await Promise.all([engine.take(leased), engine.renew(1, token)])
      t.equal(other, undefined)
      await pass(LEASE_MS - 1)
      t.match(await engine.get(1), { state: inProgress, attempt: 1 })
    })

    t.test('the first loss costs no waiting, the next 1, 2, 4 s, and the fifth is the last', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      for (const pauseMs of [0, 1_000, 2_000, 4_000]) {
        await take()
        await pass(LEASE_MS)
        if (pauseMs > 0) {
          t.equal(await engine.take(leased), undefined)
          await pass(pauseMs - 1)
          t.equal(await engine.take(leased), undefined)
          await pass(1)
        }
      }
      const { grant } = await take()
      t.match(grant, { attempt: 5, alone: true })
      await pass(LEASE_MS)
      t.match(await engine.get(1), { state: failed, losses: 5, reason: 'Its worker was lost 5 times.' })
      t.equal(await engine.take(leased), undefined)
    })
  })

  t.test(`${name}: failing and handing back`, async t => {
    t.test('a task that is failed for good stays so, with its reason in one line', async t => {
      const { clock, engine, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      await engine.fail(1, token, { mayRetry: false, reason: 'a broken\nimage ' })
      clock.ms += 70
      t.match(await engine.get(1), { state: failed, reason: 'a broken image', endedMs: 70, errors: 0 })
      t.equal(await engine.take(leased), undefined)
      await t.rejects(engine.finish(1, token), { code: 'conflict' })
      await t.rejects(engine.fail(1, token, { mayRetry: false, reason: 'x' }), { code: 'conflict' })
    })

    t.test('errors are tried again, the third is the last', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      const retry = { mayRetry: true, reason: 'no luck' }
      await engine.fail(1, (await take()).token, retry)
      t.match(await engine.get(1), { state: notStarted, errors: 1 })
      const second = await take()
      t.equal(second.grant.alone, false)
      await engine.fail(1, second.token, retry)
      t.equal(await engine.take(leased), undefined)
      await pass(1_000)
      await engine.fail(1, (await take()).token, retry)
      t.match(await engine.get(1), { state: failed, errors: 3, attempt: 3, reason: 'no luck' })
    })

    t.test('errors and losses are counted apart', async t => {
      const { engine, pass, take } = openFor(t)
      await engine.newTask(1)
      for (const pauseMs of [0, 1_000]) {
        await engine.fail(1, (await take()).token, { mayRetry: true, reason: 'x' })
        await pass(pauseMs)
      }
      for (const pauseMs of [2_000, 4_000]) {
        await take()
        await pass(LEASE_MS)
        await pass(pauseMs)
      }
      t.match(await engine.get(1), { state: notStarted, errors: 2, losses: 2 })
    })

    t.test('a released task waits again at once, uncounted, however often', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      for (let i = 0; i < 10; i++) await engine.release(1, (await take()).token)
      t.match(await engine.get(1), { state: notStarted, attempt: 10, errors: 0, losses: 0 })
      await t.rejects(engine.release(1, 'another'), { code: 'conflict' })
    })

    t.test('one that is released with a pause waits for it, and others go first meanwhile', async t => {
      const { engine, pass, take } = openFor(t)
      for (const id of [1, 2]) await engine.newTask(id)
      const first = await take()
      t.match(first.grant, { id: 1 })
      await engine.release(1, first.token, 1_000)
      t.match(await engine.get(1), { state: notStarted, errors: 0, losses: 0 })
      t.match(await take(), { grant: { id: 2 } })
      t.equal(await engine.take(leased), undefined)
      await pass(999)
      t.equal(await engine.take(leased), undefined)
      await pass(1)
      t.match(await take(), { grant: { id: 1, attempt: 2 } })
    })
  })
})
