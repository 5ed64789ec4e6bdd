import t, { type Test } from 'tap'
import type { KvEngine } from '../../kv-store/engine.ts'
import { openSqliteKv } from '../../kv-store/engines/sqlite.ts'

const waiting = { since: 0, waitMs: 0, signal: new AbortController().signal }

/** What every engine of the kv-store promises. `clock.ms` is the time it is told. */
function promises(name: string, open: (clock: { ms: number }) => KvEngine): void {
  const openFor = (t: Test) => {
    const clock = { ms: 0 }
    const engine = open(clock)
    t.teardown(() => engine.close())
    return { clock, engine }
  }

  t.test(`${name}: a plain entry replaces the one before it and never ends`, async t => {
    const { clock, engine } = openFor(t)
    await engine.set('a', 'one')
    await engine.set('a', 'two')
    clock.ms += 1e12
    t.same(await engine.get('a'), { value: 'two' })
    t.equal(await engine.get('b'), undefined)
  })

  t.test(`${name}: leased entries stand beside the plain one and are preferred, each in turn`, async t => {
    const { engine } = openFor(t)
    await engine.set('a', 'plain')
    await engine.lease('a', 'one', 'i1', 10)
    await engine.lease('a', 'two', 'i2', 10)
    const seen = new Set<string | undefined>()
    for (let i = 0; i < 4; i++) seen.add((await engine.get('a'))?.value)
    t.same([...seen].sort(), ['one', 'two'])
    t.same(
      (await engine.getAll('a')).map(({ value }) => value),
      ['one', 'two', 'plain'],
    )
  })

  t.test(`${name}: a leased entry ends with its time unless it is renewed`, async t => {
    const { clock, engine } = openFor(t)
    await engine.lease('a', 'one', 'i1', 10)
    clock.ms += 9_000
    await engine.lease('a', 'one', 'i1', 10)
    clock.ms += 9_000
    t.equal((await engine.get('a'))?.value, 'one')
    clock.ms += 1_001
    t.equal(await engine.get('a'), undefined)
    t.same(await engine.getAll('a'), [])
  })

  t.test(`${name}: one instance's entry is taken out alone, a key with all its entries`, async t => {
    const { engine } = openFor(t)
    await engine.set('a', 'plain')
    await engine.lease('a', 'one', 'i1', 10)
    await engine.lease('a', 'two', 'i2', 10)
    await engine.remove('a', 'i1')
    t.same(
      (await engine.getAll('a')).map(({ value }) => value),
      ['two', 'plain'],
    )
    await engine.remove('a')
    t.same(await engine.getAll('a'), [])
    await engine.remove('a')
  })

  t.test(`${name}: what comes together takes effect in the order in which it came`, async t => {
    const { engine } = openFor(t)
    await engine.set('a', '1')
    await engine.set('c', '1')
    const asked = [
      ...[engine.set('a', '2'), engine.set('a', '1')],
      ...[engine.set('b', '1'), engine.remove('b')],
      ...[engine.remove('c'), engine.set('c', '1')],
    ]
    await Promise.all(asked)
    for (const key of ['a', 'c']) t.same(await engine.getAll(key), [{ value: '1' }], key)
    t.same(await engine.getAll('b'), [])
  })

  t.test(`${name}: a key loses all its entries in one change`, async t => {
    const { engine } = openFor(t)
    await engine.set('a', 'plain')
    await engine.lease('a', 'one', 'i1', 10)
    const { revision } = await engine.watch('a', waiting)
    const told = engine.watch('a', { since: revision, waitMs: 10_000, signal: new AbortController().signal })
    await engine.remove('a')
    t.same(await told, { revision: revision + 1, entries: [] })
  })

  t.test(`${name}: the list has a row a key, with the value that get would give`, async t => {
    const { engine } = openFor(t)
    await engine.set('b', 'plain')
    await engine.set('a', 'plain')
    await engine.lease('b', 'leased', 'i1', 10)
    const rows = []
    for await (const row of engine.list()) rows.push(row)
    t.same(rows, [
      { key: 'a', value: 'plain' },
      { key: 'b', value: 'leased' },
    ])
  })

  t.test(`${name}: a watcher is told of a change at once, and of nothing while nothing changes`, async t => {
    const { engine } = openFor(t)
    const { revision } = await engine.watch('a', waiting)
    let isTold = false
    const { signal } = new AbortController()
    const told = engine.watch('a', { since: revision, waitMs: 10_000, signal }).then(news => {
      isTold = true
      return news
    })
    await engine.set('other', 'x')
    await new Promise(setImmediate)
    t.notOk(isTold)
    await engine.lease('a', 'one', 'i1', 10)
    const news = await told
    t.ok(news.revision > revision)
    t.match(news.entries, [{ value: 'one', instance: 'i1' }])
  })

  t.test(`${name}: a renewal is no change, the end of a lease is one`, async t => {
    const { clock, engine } = openFor(t)
    await engine.lease('a', 'one', 'i1', 10)
    const { revision } = await engine.watch('a', waiting)
    await engine.lease('a', 'one', 'i1', 10)
    t.equal((await engine.watch('a', waiting)).revision, revision)
    const told = engine.watch('a', { since: revision, waitMs: 10_000, signal: new AbortController().signal })
    clock.ms += 10_001
    await engine.lease('b', 'x', 'i2', 10)
    t.same((await told).entries, [])
  })

  t.test(`${name}: a revision from the future is answered at once: the store was started anew`, async t => {
    const { engine } = openFor(t)
    const { signal } = new AbortController()
    const news = await engine.watch('a', { since: Number.MAX_SAFE_INTEGER, waitMs: 60_000, signal })
    t.ok(news.revision < Number.MAX_SAFE_INTEGER)
  })

  t.test(`${name}: a watcher that goes away is answered with what there is`, async t => {
    const { engine } = openFor(t)
    const { revision } = await engine.watch('a', waiting)
    const leaving = new AbortController()
    const told = engine.watch('a', { since: revision, waitMs: 60_000, signal: leaving.signal })
    leaving.abort()
    t.same(await told, { revision, entries: [] })
  })
}

promises('sqlite', clock => openSqliteKv({ path: ':memory:', now: () => clock.ms }))

t.test(
  'plain entries are there again after a restart, and a watcher of before is answered at once',
  async t => {
    const path = `${t.testdir()}/entries.db`
    const before = openSqliteKv({ path })
    await before.set('a', 'one')
    const { revision } = await before.watch('a', waiting)
    await before.close()
    await new Promise(resolve => setTimeout(resolve, 5))
    const after = openSqliteKv({ path })
    t.same(await after.get('a'), { value: 'one' })
    const { signal } = new AbortController()
    t.ok((await after.watch('a', { since: revision, waitMs: 60_000, signal })).revision > revision)
    await after.close()
  },
)

t.test('a second process cannot open the same file', async t => {
  const path = `${t.testdir()}/entries.db`
  const first = openSqliteKv({ path })
  t.throws(() => openSqliteKv({ path }), /another process has it open/)
  await first.close()
})
