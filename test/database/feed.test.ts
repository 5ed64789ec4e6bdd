import t from 'tap'
import { failed, finished, inProgress, notStarted } from '../../database/contract.ts'
import { forEachEngine } from './engines.ts'

forEachEngine((name, openFor) => {
  t.test(`${name}: telling of changes`, async t => {
    t.test('who waits for a task is answered after its next change, not after another one', async t => {
      const { engine, take } = openFor(t)
      await engine.newTask(1)
      await engine.newTask(2)
      const { token } = await take()
      let isTold = false
      const told = engine.get(1, { waitMs: 60_000 }).then(task => {
        isTold = true
        return task
      })
      await engine.set(2, failed)
      await engine.renew(1, token)
      t.notOk(isTold)
      await engine.finish(1, token)
      t.equal((await told)?.state, finished)
      t.equal((await engine.get(1, { waitMs: 60_000 }))?.state, finished, 'one that has ended: at once')
      t.equal(await engine.get(3, { waitMs: 60_000 }), undefined)
    })

    t.test(
      'who waits for the end of a task is not answered before it, unless it goes or the time is up',
      async t => {
        const { engine, take } = openFor(t)
        await engine.newTask(1)
        await engine.newTask(2)
        let isTold = false
        const told = engine.get(1, { waitMs: 60_000, forEnd: true }).finally(() => {
          isTold = true
        })
        const { token } = await take()
        await engine.fail(1, token, { mayRetry: true, reason: 'no' })
        await engine.set(1, inProgress)
        t.notOk(isTold)
        await engine.set(1, failed)
        t.equal((await told)?.state, failed)
        t.equal((await engine.get(2, { waitMs: 1, forEnd: true }))?.state, notStarted)
        const gone = engine.get(2, { waitMs: 60_000, forEnd: true })
        await engine.remove(2)
        t.equal(await gone, undefined)
      },
    )

    t.test('who waits for a task is answered when the time is up, or nobody wants to know', async t => {
      const { engine } = openFor(t)
      await engine.newTask(1)
      t.equal((await engine.get(1, { waitMs: 1 }))?.state, notStarted)
      const leaving = new AbortController()
      const told = engine.get(1, { waitMs: 60_000, signal: leaving.signal })
      leaving.abort()
      t.equal((await told)?.state, notStarted)
    })

    t.test(
      'the feed has each changed task once, oldest change first, and is read on from its revision',
      async t => {
        const { engine } = openFor(t)
        for (const id of [1, 2, 3]) await engine.newTask(id)
        await engine.set(1, failed)
        const ids = async (since: number, limit: number) => {
          const { revision, tasks } = await engine.changes({ since, limit, waitMs: 0 })
          return { revision, ids: tasks.map(({ id }) => id) }
        }
        const first = await ids(0, 2)
        t.same(first.ids, [2, 3])
        const second = await ids(first.revision, 2)
        t.same(second.ids, [1])
        t.same(await ids(second.revision, 2), { revision: second.revision, ids: [] })
      },
    )

    t.test('what was removed is told of once, also beside what changed, and to who was away', async t => {
      const { engine } = openFor(t)
      for (const id of [1, 2, 3]) await engine.newTask(id)
      const { revision } = await engine.changes({ since: 0, waitMs: 0 })
      const told = engine.changes({ since: revision, waitMs: 60_000 })
      await Promise.all([engine.remove(1), engine.set(2, failed), engine.remove(9)])
      const { tasks, ...page } = await told
      t.same([tasks.map(({ id }) => id), page.removed], [[2], [1]])
      const after = page.revision
      await engine.giveUp(2, 0)
      t.match(await engine.changes({ since: after, waitMs: 60_000 }), { tasks: [], removed: [2] })
      t.same((await engine.changes({ since: revision, waitMs: 0 })).removed, [1, 2])
      t.same((await engine.changes({ since: 0, limit: 1, waitMs: 0 })).removed, [], 'none up to there')
    })

    t.test('the feed waits for news, and answers a revision from the future at once', async t => {
      const { engine } = openFor(t)
      const { revision } = await engine.changes({ since: 0, waitMs: 0 })
      const told = engine.changes({ since: revision, waitMs: 60_000 })
      await engine.newTask(1)
      t.match((await told).tasks, [{ id: 1, state: notStarted }])
      const future = await engine.changes({ since: Number.MAX_SAFE_INTEGER, waitMs: 60_000 })
      t.same(future, { revision: (await told).revision, next: 1, tasks: [], removed: [] })
    })

    t.test('the list has every task, in the order in which they were made', async t => {
      const { engine } = openFor(t)
      const ids = Array.from({ length: 2_500 }, (_, i) => 5_000 - i)
      await Promise.all(ids.map(id => engine.newTask(id)))
      await engine.set(5_000, failed)
      const rows = []
      for await (const row of engine.list()) rows.push(row)
      t.same(
        rows.map(({ id }) => id),
        ids,
      )
      t.same(rows.slice(0, 2), [
        { id: 5_000, state: failed },
        { id: 4_999, state: notStarted },
      ])
    })
  })
})
