import t from 'tap'
import { failed, inProgress, notStarted } from '../../database/contract.ts'
import { forEachEngine, leased, plain } from './engines.ts'

forEachEngine((name, openFor) => {
  t.test(`${name}: how the queue stands`, async t => {
    t.test(
      'tasks are counted by what they wait for, and those in progress are named with their workers',
      async t => {
        const { engine, clock, take } = openFor(t)
        const nothing = {
          waiting: 0,
          paused: 0,
          running: 0,
          failed: 0,
          oldestMs: undefined,
          held: [],
          failures: [],
        }
        t.match(engine.overview(), nothing)
        for (const id of [1, 2, 3, 4, 5]) await engine.newTask(id)
        clock.ms += 700
        const [one, two] = [(await take()).token, (await take()).token]
        clock.ms += 40
        await engine.fail(1, one, { mayRetry: false, reason: 'It is broken.', steps: '12.28' })
        await engine.fail(2, two, { mayRetry: true, reason: 'It did not go.' })
        // The first error costs no pause, the second does.
        await engine.fail(2, (await take()).token, { mayRetry: true, reason: 'Nor now.' })
        await engine.take({ ...leased, worker: 'w2' })
        const found = engine.overview()
        t.match(found, { waiting: 2, paused: 1, running: 1, failed: 1, oldestMs: 740 })
        t.match(found.held, [{ id: 3, state: inProgress, worker: 'w2', attempt: 1, ageMs: 740, takenMs: 0 }])
        const times = { ageMs: 740, takenMs: 40, stepsMs: [12, 28], endedMs: 0 }
        t.match(found.failures, [{ id: 1, state: failed, reason: 'It is broken.', attempt: 1, ...times }])
      },
    )

    t.test('what failed last comes first, and what is tried again is no failure any more', async t => {
      const { engine, clock } = openFor(t)
      for (const id of [1, 2]) {
        await engine.newTask(id)
        await engine.set(id, failed)
        clock.ms += 1
      }
      t.same(
        engine.overview().failures.map(({ id }) => id),
        [2, 1],
      )
      await engine.set(2, notStarted)
      t.same(
        engine.overview().failures.map(({ id }) => id),
        [1],
      )
    })

    t.test('what was done is counted by the minute, for an hour', async t => {
      const { engine, clock, take } = openFor(t)
      const minutes = () => engine.overview().minutes
      clock.ms = 600_000
      t.equal(minutes().length, 60)
      for (const id of [1, 2, 3]) await engine.newTask(id)
      clock.ms += 500
      await engine.finish(1, (await take()).token)
      await engine.fail(2, (await take()).token, { mayRetry: false, reason: 'It is broken.' })
      t.same(minutes().at(-1), { made: 3, finished: 1, failed: 1, waitMs: 500 })
      clock.ms += 60_000
      await engine.take(plain)
      t.same(minutes().slice(-2), [
        { made: 3, finished: 1, failed: 1, waitMs: 500 },
        { made: 0, finished: 0, failed: 0, waitMs: 60_500 },
      ])
      clock.ms += 58 * 60_000
      t.equal(minutes()[0]?.made, 3)
      clock.ms += 60_000
      await engine.newTask(4)
      t.equal(minutes()[0]?.made, 0)
      t.equal(minutes().at(-1)?.made, 1)
    })

    t.test('what is undone is not counted', async t => {
      const { engine } = openFor(t)
      await engine.newTask(1)
      await t.rejects(engine.finish(1, 'nobody'))
      t.match(engine.overview().minutes.at(-1), { made: 1, finished: 0, failed: 0 })
    })
  })
})
