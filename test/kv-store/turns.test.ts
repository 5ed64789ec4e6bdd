import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { armFailpoints } from '../../kit/failpoint.ts'
import { openSqliteKv } from '../../kv-store/engines/sqlite.ts'

/** Bytes that a commit of one page adds to the log: a page and its head. */
const FRAME_BYTES = 4_096 + 24

/** A kv-store over a file; `writtenBytes` is how long its log has become, `watch` waits for one change of a key. */
function open(t: Test) {
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-'))
  const path = join(folder, 'entries.db')
  const fatal: unknown[] = []
  const engine = openSqliteKv({ path, fatal: error => fatal.push(error) })
  const leaving = new AbortController()
  t.teardown(async () => {
    armFailpoints('')
    leaving.abort()
    await engine.close()
    rmSync(folder, { recursive: true })
  })
  const look = (key: string) =>
    engine.watch(key, { since: 0, waitMs: 0, signal: new AbortController().signal })
  const watch = async (key: string) => {
    const { revision: since } = await look(key)
    const watched = { isTold: false, since, news: Promise.resolve(await look(key)) }
    watched.news = engine.watch(key, { since, waitMs: 60_000, signal: leaving.signal }).then(news => {
      watched.isTold = true
      return news
    })
    return watched
  }
  return { path, engine, fatal, look, watch, writtenBytes: () => statSync(`${path}-wal`).size }
}

t.test('sets that come together share one commit, and sets one by one do not', async t => {
  const { engine, writtenBytes } = open(t)
  const keys = Array.from({ length: 10 }, (_, at) => `k${at}`)
  await engine.set('first', 'x')
  let before = writtenBytes()
  await Promise.all(keys.map(key => engine.set(key, 'together')))
  t.equal(writtenBytes() - before, FRAME_BYTES)
  before = writtenBytes()
  for (const key of keys) await engine.set(key, 'alone')
  t.equal(writtenBytes() - before, keys.length * FRAME_BYTES)
})

t.test('what changes nothing is not written, and no change', async t => {
  const { engine, look, writtenBytes } = open(t)
  await engine.set('a', '1')
  const [before, { revision }] = [writtenBytes(), await look('a')]
  await Promise.all([engine.set('a', '1'), engine.remove('b'), engine.set('a', '1')])
  t.equal(writtenBytes(), before)
  t.equal((await look('a')).revision, revision)
})

t.test('nobody sees a value and no watcher is told before it is on disk', async t => {
  const { engine, look, watch, writtenBytes } = open(t)
  await engine.set('a', 'old')
  const watched = await watch('a')
  const before = writtenBytes()
  const answer = engine.set('a', 'new')
  t.same(await engine.get('a'), { value: 'old' })
  t.same(await look('a'), { revision: watched.since, entries: [{ value: 'old' }] })
  t.notOk(watched.isTold)
  t.equal(writtenBytes(), before)
  const { revision, entries } = await watched.news
  t.equal(writtenBytes(), before + FRAME_BYTES)
  t.ok(revision > watched.since)
  t.same(entries, [{ value: 'new' }])
  await answer
})

t.test('a turn that fails changes nothing and tells nobody, and the next one goes on', async t => {
  const { engine, fatal, look, watch } = open(t)
  await engine.set('a', 'old')
  await engine.lease('a', 'leased', 'i1', 10)
  const watched = await watch('a')
  const entries = [{ value: 'leased', instance: 'i1' }, { value: 'old' }]
  const steps = ['turn.begun', 'value.set', 'entry.removed', 'turn.written']
  for (const step of steps) {
    armFailpoints(`kv-store.${step}=error*1`)
    const answers = await Promise.allSettled([engine.set('a', 'new'), engine.remove('a')])
    for (const answer of answers) t.match(answer, { reason: { code: 'SQLITE_IOERR' } }, step)
    t.match(await look('a'), { revision: watched.since, entries }, step)
    t.equal((await look('a')).entries.length, 2, step)
  }
  t.notOk(watched.isTold)
  t.same(fatal, [])
  await engine.set('a', 'new')
  t.match((await watched.news).entries, [{ value: 'leased' }, { value: 'new' }])
  t.equal((await look('b')).revision, watched.since + 1, 'what was undone does not count')
})

t.test('a disk that fails in the commit is fatal, and nobody is told', async t => {
  const { engine, fatal, look, watch } = open(t)
  const watched = await watch('a')
  armFailpoints('kv-store.turn.committed=error*1')
  await t.rejects(engine.set('a', 'new'), { code: 'SQLITE_IOERR' })
  t.match(fatal, [{ code: 'SQLITE_IOERR' }])
  t.equal((await look('a')).revision, watched.since)
  t.notOk(watched.isTold)
})

t.test('an entry that is leased needs no turn to go', async t => {
  const { engine } = open(t)
  await engine.lease('a', 'leased', 'i1', 10)
  armFailpoints('kv-store.turn.begun=error')
  await engine.remove('a', 'i1')
  t.same(await engine.getAll('a'), [])
})

t.test('an end puts on disk what was asked, and refuses what is asked later', async t => {
  const { path, engine } = open(t)
  const last = engine.set('a', '1')
  await engine.close()
  await last
  const refusal = { code: 'unavailable', message: 'The kv-store is about to end.' }
  await t.rejects(engine.set('b', '1'), refusal)
  await t.rejects(engine.remove('a'), refusal)
  const after = openSqliteKv({ path })
  t.same(await after.getAll('a'), [{ value: '1' }])
  t.same(await after.getAll('b'), [])
  await after.close()
})
