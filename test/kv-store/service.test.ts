import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { closeSqlite, openSqlite } from '../../kit/sqlite.ts'
import { openSqliteKv } from '../../kv-store/engines/sqlite.ts'
import { buildKvStore } from '../../kv-store/service.ts'

type Method = 'GET' | 'POST' | 'DELETE' | 'PUT'

/** A kv-store, in memory unless said; `ask` gives status and body of an answer. */
function open(t: Test, path = ':memory:') {
  const clock = { ms: 0 }
  const engine = openSqliteKv({ path, now: () => clock.ms })
  const identity = { service: 'kv-store', instance: 'kv-1', version: '0' }
  const app = buildKvStore({ engine, identity, guard: { secrets: [] } })
  t.teardown(async () => {
    await app.close()
    await engine.close()
  })
  const ask = async (method: Method, url: string) => {
    const { statusCode, body } = await app.inject({ method, url })
    return [statusCode, body] as const
  }
  return { app, clock, ask }
}

const ok = [200, 'success'] as const

t.test('a plain value is set, got, replaced and removed, as the original does it', async t => {
  const { ask } = open(t)
  t.same(await ask('POST', '/set?key=a&value=localhost:1'), ok)
  t.same(await ask('GET', '/get?key=a'), [200, 'localhost:1'])
  t.same(await ask('POST', '/set?key=a&value=localhost:2&unknown=x&unknown=y'), ok)
  t.same(await ask('GET', '/get?key=a'), [200, 'localhost:2'])
  t.same(await ask('DELETE', '/remove?key=a'), ok)
  t.same(await ask('GET', '/get?key=a'), [404, 'Error: No such key.\n'])
  t.same(await ask('DELETE', '/remove?key=a'), ok, 'also when there was none')
})

t.test('keys and values are any text', async t => {
  const { app, ask } = open(t)
  for (const text of [' ', 'a b', 'ä€😀', 'x=y&z', '../x', "'; DROP TABLE entries --", 'x'.repeat(1_000)]) {
    const [key, value] = [text, `of ${text}`].map(encodeURIComponent)
    t.same(await ask('POST', `/set?key=${key}&value=${value}`), ok)
    t.equal((await app.inject(`/get?key=${key}`)).body, `of ${text}`)
  }
})

t.test('the list has a line a key, with the value that /get would give', async t => {
  const { app, ask } = open(t)
  t.same(await ask('GET', '/list'), [200, ''])
  await ask('POST', '/set?key=b&value=two')
  await ask('POST', '/set?key=a&value=one')
  await ask('POST', '/set?key=b&value=leased&instance=i&ttl=10')
  const answer = await app.inject('/list')
  t.equal(answer.body, 'a : one\nb : leased\n')
  t.match(answer.headers['content-type'], /^text\/plain/)
})

t.test('leased entries stand beside the plain one, take turns, and end', async t => {
  const { app, clock, ask } = open(t)
  await ask('POST', '/set?key=a&value=plain')
  for (const name of ['one', 'two'])
    t.same(await ask('POST', `/set?key=a&value=${name}&instance=${name}&ttl=10`), ok)
  const seen = [await ask('GET', '/get?key=a'), await ask('GET', '/get?key=a')].map(([, body]) => body)
  t.same(seen.sort(), ['one', 'two'])
  t.same((await app.inject('/getAll?key=a')).json(), [
    { value: 'one', instance: 'one', expiresInMs: 10_000 },
    { value: 'two', instance: 'two', expiresInMs: 10_000 },
    { value: 'plain' },
  ])
  t.same(await ask('DELETE', '/remove?key=a&instance=one'), ok)
  t.same(await ask('GET', '/get?key=a'), [200, 'two'])
  clock.ms += 10_001
  t.same(await ask('GET', '/get?key=a'), [200, 'plain'])
  t.same((await app.inject('/getAll?key=nobody')).json(), [])
})

t.test('a watch answers at once what is new, and waits for what is not', async t => {
  const { app, ask } = open(t)
  const watch = async (since: number, wait: number) =>
    (await app.inject(`/watch?key=a&since=${since}&wait=${wait}`)).json()
  const first = await watch(0, 60)
  t.same(first.entries, [])
  t.same(await watch(first.revision, 0), first, 'no wait, no news: what there is')
  t.same((await app.inject('/watch?key=a')).json(), first)
  const news = watch(first.revision, 60)
  await ask('POST', '/set?key=a&value=one&instance=i&ttl=10')
  const { revision, entries } = await news
  t.ok(revision > first.revision)
  t.match(entries, [{ value: 'one', instance: 'i' }])
  t.same((await watch(Number.MAX_SAFE_INTEGER, 60)).revision, revision, 'the store was started anew')
})

t.test('a watch ends when the service does', async t => {
  const { app } = open(t)
  const { revision } = (await app.inject('/watch?key=a')).json()
  const held = app.inject(`/watch?key=a&since=${revision}&wait=60`)
  await new Promise(setImmediate)
  app.stopping.abort()
  t.same((await held).json(), { revision, entries: [] })
})

t.test('a full disk refuses with 507 in one line, and leaves what was there', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'entries.db')
  await openSqliteKv({ path }).close()
  // Says "database or disk is full" of its own: a value `large` wants a row for which no number is left.
  const file = openSqlite(path)
  file.exec(`
    CREATE TABLE full (number INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
    INSERT INTO full VALUES (${2n ** 63n - 1n});
    CREATE TRIGGER fill BEFORE INSERT ON entries WHEN NEW.value = 'large'
      BEGIN INSERT INTO full VALUES (NULL); END;
  `)
  closeSqlite(file)
  const { ask } = open(t, path)
  t.same(await ask('POST', '/set?key=a&value=small'), ok)
  t.same(await ask('POST', '/set?key=a&value=large'), [507, 'Error: The disk is full.\n'])
  t.same(await ask('GET', '/get?key=a'), [200, 'small'])
  t.same(await ask('POST', '/set?key=b&value=small'), ok, 'it heals')
})

t.test('every refusal of every route', async t => {
  const { app, ask } = open(t)
  const long = (length: number) => 'x'.repeat(length)
  const cases: [Method, string, number, RegExp][] = [
    ['GET', '/get', 400, /key is missing/],
    ['GET', '/get?key=', 400, /key is empty/],
    ['GET', '/get?key=a&key=b', 400, /key is given twice/],
    ['GET', `/get?key=${long(1_001)}`, 400, /key is longer than 1000/],
    ['GET', '/get?key=a', 404, /No such key/],
    ['POST', '/set', 400, /key is missing/],
    ['POST', '/set?key=a', 400, /value is missing/],
    ['POST', '/set?value=a', 400, /key is missing/],
    ['POST', '/set?key=&value=a', 400, /key is empty/],
    ['POST', '/set?key=a&value=', 400, /value is empty/],
    ['POST', '/set?key=a&value=b&value=c', 400, /value is given twice/],
    ['POST', `/set?key=a&value=${long(10_001)}`, 400, /value is longer than 10000/],
    ['POST', '/set?key=a&value=b&instance=i', 400, /both an instance and a ttl/],
    ['POST', '/set?key=a&value=b&ttl=10', 400, /both an instance and a ttl/],
    ['POST', '/set?key=a&value=b&instance=&ttl=10', 400, /instance is empty/],
    ['POST', `/set?key=a&value=b&instance=${long(201)}&ttl=10`, 400, /instance is longer than 200/],
    ...['0', '-1', '1.5', 'x', '', '86401', '010'].map((ttl): [Method, string, number, RegExp] => [
      'POST',
      `/set?key=a&value=b&instance=i&ttl=${ttl}`,
      400,
      /ttl is not/,
    ]),
    ['DELETE', '/remove', 400, /key is missing/],
    ['DELETE', '/remove?key=', 400, /key is empty/],
    ['DELETE', '/remove?key=a&instance=', 400, /instance is empty/],
    ['GET', '/getAll', 400, /key is missing/],
    ['GET', '/watch', 400, /key is missing/],
    ['GET', '/watch?key=a&since=-1', 400, /since is not a whole number/],
    ['GET', '/watch?key=a&since=9007199254740992', 400, /since is not between/],
    ['GET', '/watch?key=a&wait=x', 400, /wait is not a number of seconds/],
    ['GET', '/set?key=a&value=b', 405, /Only POST/],
    ['POST', '/get?key=a', 405, /Only (GET, HEAD|HEAD, GET)/],
    ['POST', '/remove?key=a', 405, /Only DELETE/],
    ['PUT', '/watch?key=a', 405, /Only/],
    ['GET', '/nothing', 404, /No such route/],
  ]
  for (const [method, url, status, said] of cases) {
    const [statusCode, body] = await ask(method, url)
    t.equal(statusCode, status, `${method} ${url.slice(0, 60)}`)
    t.match(body, said, `${method} ${url.slice(0, 60)}`)
    t.match(body, /^Error: [^\n]+\n$/)
  }
  t.same(await ask('GET', '/list'), [200, ''], 'nothing of it was kept')
  t.match((await app.inject('/health')).json(), { service: 'kv-store', instance: 'kv-1' })
})
