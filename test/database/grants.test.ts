import t from 'tap'
import { finished, inProgress, notStarted } from '../../database/contract.ts'
import { forEachEngine, given, LEASE_MS, leased, plain, tokenOf, turn } from './engines.ts'

forEachEngine((name, openFor) => {
  t.test(`${name}: ids`, async t => {
    t.test('an id that is not given is drawn, never counted up', async t => {
      const { engine } = openFor(t)
      const ids = await Promise.all(Array.from({ length: 200 }, () => engine.newTask()))
      t.equal(new Set(ids).size, 200)
      t.ok(ids.every(id => Number.isSafeInteger(id) && id >= 1))
      t.ok(ids.some(id => id > 2 ** 50))
      t.notSame(
        ids,
        [...ids].sort((a, b) => a - b),
      )
    })

    t.test('the same id again is the same task, whatever its state', async t => {
      const { engine } = openFor(t)
      t.same(await Promise.all([engine.newTask(7), engine.newTask(7)]), [7, 7])
      const { token } = tokenOf(await engine.take(leased))
      t.equal(await engine.newTask(7), 7)
      t.equal((await engine.get(7))?.state, inProgress)
      await engine.finish(7, token)
      await engine.newTask(7)
      t.equal((await engine.get(7))?.state, finished)
      t.equal(await engine.take(leased), undefined)
    })

    t.test('the smallest and the largest id are ids like any other', async t => {
      const { engine } = openFor(t)
      for (const id of [0, Number.MAX_SAFE_INTEGER]) {
        await engine.newTask(id)
        t.equal((await engine.take(leased))?.grant.id, id)
        t.equal((await engine.get(id))?.id, id)
      }
    })
  })

  t.test(`${name}: grants`, async t => {
    t.test('tasks are given out in the order in which they were made, whatever their ids', async t => {
      const { engine } = openFor(t)
      for (const id of [30, 10, 20]) await engine.newTask(id)
      const ids = [await engine.take(plain), await engine.take(leased), await engine.take(plain)]
      t.same(
        ids.map(granted => granted?.grant.id),
        [30, 10, 20],
      )
      t.equal(await engine.take(plain), undefined)
    })

    t.test('a plain grant is id and state alone and has no number', async t => {
      const { engine } = openFor(t)
      await engine.newTask(1)
      t.same((await engine.take(plain))?.grant, { id: 1, state: 1 })
      t.equal((await engine.get(1))?.attempt, 0)
    })

    t.test('a leased grant has a number, a token and a lease', async t => {
      const { clock, engine } = openFor(t)
      await engine.newTask(1)
      clock.ms += 50
      const { grant } = given(await engine.take(leased))
      const { token, ...rest } = grant
      t.same(rest, { id: 1, state: 1, attempt: 1, leaseMs: LEASE_MS, alone: false })
      t.match(token, /^\S{22,}$/)
    })

    t.test('many who ask at once never get the same task', async t => {
      const { engine } = openFor(t)
      await Promise.all(Array.from({ length: 50 }, (_, id) => engine.newTask(id)))
      const granted = await Promise.all(Array.from({ length: 60 }, () => engine.take(leased)))
      const ids = granted.flatMap(one => one?.grant.id ?? [])
      t.equal(ids.length, 50)
      t.equal(new Set(ids).size, 50)
    })

    t.test('a grant that nobody got is undone, uncounted, and its number is not given again', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      for (const asking of [leased, plain]) {
        const { mark } = given(await engine.take(asking))
        await engine.undoGrant(1, mark)
        t.match(await engine.get(1), { state: notStarted, attempt: 1, errors: 0, losses: 0 })
      }
      const { grant, token } = await take()
      t.equal(grant.attempt, 2)
      await engine.undoGrant(1, 'another')
      await engine.renew(1, token)
    })
  })

  t.test(`${name}: waiting for a task`, async t => {
    const waiting = { ...leased, waitMs: 60_000 }

    t.test(
      'a worker that is about to end is answered, with what was granted to it or with nothing',
      async t => {
        const { engine } = openFor(t)
        const other = engine.take({ ...waiting, worker: 'w2' })
        await turn()
        const polls = [engine.take(waiting), engine.take(waiting), engine.take(waiting)]
        await Promise.all([engine.newTask(1), engine.newTask(2), engine.endAsks('w1'), engine.newTask(3)])
        t.equal((await other)?.grant.id, 1)
        const granted = (await Promise.all(polls)).flatMap(one => one?.grant.id ?? [])
        for (const id of [2, 3]) {
          const { state } = given(await engine.get(id))
          t.equal(state === inProgress, granted.includes(id), `task ${id}`)
        }
        await engine.endAsks('nobody')
      },
    )

    t.test(
      'a new task goes straight to who waits longest, granted by the time it is acknowledged',
      async t => {
        const { engine } = openFor(t)
        const polls = [engine.take(waiting), engine.take(waiting)]
        await turn()
        await engine.newTask(1)
        t.equal((await engine.get(1))?.state, inProgress)
        t.equal((await polls[0])?.grant.id, 1)
        await engine.newTask(2)
        t.equal((await polls[1])?.grant.id, 2)
      },
    )

    t.test('one who comes later, and asks for no more, does not overtake one who waits', async t => {
      const { engine } = openFor(t)
      const first = engine.take(waiting)
      await turn()
      const [, second] = await Promise.all([engine.newTask(1), engine.take(plain)])
      t.equal(second, undefined)
      t.equal((await first)?.grant.id, 1)
    })

    t.test(
      'a burst is shared by workers that ask for as much, and fills up who asks for more first',
      async t => {
        const { engine } = openFor(t)
        const granted: string[] = []
        const ask = (worker: string) =>
          engine.take({ ...waiting, worker }).then(given => given && granted.push(worker))
        const asks = ['a', 'a', 'a', 'b', 'b', 'b', 'c'].map(ask)
        await turn()
        for (let id = 1; id <= 7; id += 1) void engine.newTask(id)
        await Promise.all(asks)
        t.equal(granted.join(''), 'abab' + 'abc')
        const later = ['a', 'b'].map(ask)
        await turn()
        await engine.newTask(8)
        await Promise.race(later)
        t.equal(granted.at(-1), 'a', 'who was served longest ago')
      },
    )

    t.test('a task that comes back goes to who waits', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      const { token } = await take()
      const poll = engine.take(waiting)
      await engine.release(1, token)
      t.match((await poll)?.grant, { id: 1, attempt: 2 })
    })

    t.test('who gives up gets nothing, and the task stays for others', async t => {
      const { engine } = openFor(t)
      const leaving = new AbortController()
      const poll = engine.take({ ...waiting, signal: leaving.signal })
      await turn()
      leaving.abort()
      t.equal(await poll, undefined)
      t.equal(await engine.take({ ...waiting, signal: leaving.signal }), undefined)
      await engine.newTask(1)
      t.equal((await engine.get(1))?.state, notStarted)
    })

    t.test('a wait that is over is answered with nothing', async t => {
      const { engine } = openFor(t)
      t.equal(await engine.take({ ...leased, waitMs: 5 }), undefined)
      await engine.newTask(1)
      t.equal((await engine.get(1))?.state, notStarted)
    })

    t.test('a lease and a pause that are over are seen although nobody asks', async t => {
      const { clock, engine, pass } = openFor(t, { leaseMs: 20, plainLeaseMs: 20 })
      await engine.newTask(1)
      await engine.take(leased)
      const lost = engine.get(1, { waitMs: 20_000 })
      clock.ms += 20
      t.match(await lost, { state: notStarted, losses: 1 })
      await engine.take(leased)
      await pass(20)
      const poll = engine.take(waiting)
      await turn()
      t.match(await engine.get(1), { state: notStarted, losses: 2 })
      clock.ms += 1_000
      t.match((await poll)?.grant, { id: 1, attempt: 3, alone: true })
    })
  })

  t.test(`${name}: an end answers everybody who waits with nothing`, async t => {
    const { engine } = openFor(t)
    const polls = [engine.take({ ...leased, waitMs: 60_000 }), engine.take({ ...leased, waitMs: 60_000 })]
    await turn()
    await engine.close()
    t.same(await Promise.all(polls), [undefined, undefined])
    t.equal(await engine.take({ ...leased, waitMs: 60_000 }), undefined)
    await t.rejects(engine.newTask(1), { code: 'unavailable' })
  })
})
