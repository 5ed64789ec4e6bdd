import t, { type Test } from 'tap'
import { createBatch } from '../../kit/batch.ts'
import { ServiceError } from '../../kit/errors.ts'
import { armFailpoints } from '../../kit/failpoint.ts'
import { openSqlite } from '../../kit/sqlite.ts'

function open(t: Test) {
  const database = openSqlite(':memory:')
  database.exec('CREATE TABLE words (word TEXT NOT NULL UNIQUE) STRICT')
  const insert = database.prepare('INSERT INTO words VALUES (?)')
  const select = database.prepare('SELECT word FROM words').raw()
  const seen = { settled: 0, committed: 0, rolledBack: [] as unknown[], fatal: [] as unknown[] }
  const batch = createBatch({
    service: 'kv-store',
    database,
    settle: () => {
      seen.settled += 1
    },
    committed: () => {
      seen.committed += 1
    },
    rolledBack: error => seen.rolledBack.push(error),
    fatal: error => seen.fatal.push(error),
  })
  t.teardown(() => database.close())
  const words = () => (select.all() as string[][]).flat()
  const write = (word: string) => batch.run(() => insert.run(word).changes)
  return { database, batch, seen, words, write }
}

t.test('what is asked in one turn is one transaction, in order, and answered after it', async t => {
  const { batch, seen, words, write } = open(t)
  const answers = ['c', 'a', 'b'].map(word => write(word).then(() => seen.committed))
  t.same(words(), [], 'nothing is written before the end of the turn')
  t.same(await Promise.all(answers), [1, 1, 1])
  t.same(words(), ['c', 'a', 'b'])
  await batch.run(() => {})
  t.match(seen, { settled: 2, committed: 2 })
})

t.test('an operation that refuses does not spoil its neighbours', async t => {
  const { batch, words, write } = open(t)
  const refuse = () => {
    throw new ServiceError('conflict', 'no')
  }
  const [first, refused, second] = await Promise.allSettled([write('a'), batch.run(refuse), write('b')])
  t.match(
    [first, refused, second],
    [{ status: 'fulfilled' }, { status: 'rejected', reason: { code: 'conflict' } }, { status: 'fulfilled' }],
  )
  t.same(words(), ['a', 'b'])
})

t.test('an unexpected error undoes and rejects the whole turn, and the next one goes on', async t => {
  const { seen, words, write } = open(t)
  const answers = await Promise.allSettled([write('a'), write('b'), write('a')])
  t.ok(answers.every(({ status }) => status === 'rejected'))
  t.match(seen, { committed: 0, rolledBack: [{ code: 'SQLITE_CONSTRAINT_UNIQUE' }] })
  t.same(words(), [])
  await write('a')
  t.same(words(), ['a'])
})

t.test('a full disk refuses the whole turn with disk-full, and heals once there is space', async t => {
  const { database, seen, words, write } = open(t)
  const limit = (pages: number) => database.prepare(`PRAGMA max_page_count = ${pages}`).raw().all()
  limit(4)
  const large = (letter: string) => letter.repeat(5_000)
  const answers = await Promise.allSettled([write('small'), write(large('a')), write(large('b'))])
  for (const answer of answers) t.match(answer, { status: 'rejected', reason: { code: 'disk-full' } })
  t.match(seen.rolledBack, [{ code: 'disk-full' }])
  t.same(seen.fatal, [])
  t.same(words(), [])
  limit(1_000)
  await write(large('a'))
  t.equal(words().length, 1)
})

t.test('a disk that fails before the commit undoes the turn; one that fails in it is fatal', async t => {
  const { seen, words, write } = open(t)
  t.teardown(() => armFailpoints(''))
  for (const step of ['begun', 'written']) {
    armFailpoints(`kv-store.turn.${step}=error*1`)
    await t.rejects(write('a'), { code: 'SQLITE_IOERR' }, step)
    t.same([words(), seen.fatal], [[], []], step)
  }
  // What SQLite said was an error; what is on disk is the whole turn.
  armFailpoints('kv-store.turn.committed=error*1')
  await t.rejects(write('a'), { code: 'SQLITE_IOERR' })
  t.same(words(), ['a'])
  t.match(seen, { committed: 0, fatal: [{ code: 'SQLITE_IOERR' }] })
})

t.test('an end commits what was asked and refuses what comes later', async t => {
  const { batch, words, write } = open(t)
  const last = write('a')
  batch.close()
  t.same(words(), ['a'])
  await last
  await t.rejects(write('b'), { code: 'unavailable', message: 'The kv-store is about to end.' })
})
