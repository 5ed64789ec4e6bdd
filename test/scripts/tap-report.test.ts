import t from 'tap'
import { createTapReader } from '../../scripts/tap-report.ts'

function readAll(tap: string) {
  const said: string[] = []
  const { report, read } = createTapReader(line => said.push(line))
  for (const line of tap.split('\n')) read(line)
  return { report, said }
}

t.test('tests are counted as a file names them, whatever they hold', async t => {
  const { report, said } = readAll(`TAP version 14
# Subtest: test/a.test.ts
    # Subtest: one
        ok 1 - should be equal
        # Subtest: inner
            ok 1 - should be equal
            1..1
        ok 2 - inner # time=8.126ms
        1..2
    ok 1 - one # time=20.321ms
    ok 2 - two # time=1ms
    1..2
    # time=30ms
ok 1 - test/a.test.ts # time=161.428ms
1..1`)
  t.match(report, { passed: 2, failed: 0, leftOut: [], slow: [], figures: [] })
  t.same(said, ['ok      test/a.test.ts (0.2 s)'])
})

t.test('a failed test is counted once and shown with what it said', async t => {
  const { report, said } = readAll(`# Subtest: test/a.test.ts
    # Subtest: bad
        ok 1 - fine
        not ok 2 - eq
          ---
          diff: |
            not ok 7 - is only text
          ...
        1..2
    not ok 1 - bad # time=48.28ms
    ok 2 - good # time=1ms
    1..2
not ok 1 - test/a.test.ts # time=161.428ms
  ---
  exitCode: 1
  ...`)
  t.match(report, { passed: 1, failed: 1 })
  t.equal(said[0], 'FAILED  test/a.test.ts: bad')
  t.ok(said.some(line => line.includes('not ok 2 - eq')))
  t.notOk(said.some(line => line.includes('fine')))
})

t.test('a file that breaks off without a failed test is one failed test', async t => {
  const { report } = readAll(`# Subtest: test/a.test.ts
    1..0 # no tests found
not ok 1 - test/a.test.ts # time=1450.112ms`)
  t.match(report, { passed: 0, failed: 1 })
})

t.test('what is left out is no pass, at any depth, and keeps its reason', async t => {
  const { report } = readAll(`# Subtest: test/a.test.ts
    ok 1 - two # SKIP needs root
    # Subtest: three
        ok 1 - deep # SKIP no chromium
        ok 2 - should be equal
    ok 2 - three # time=1ms
ok 1 - test/a.test.ts # time=5ms
# Subtest: test/b.test.ts
    1..0 # nothing to do
ok 2 - test/b.test.ts # SKIP nothing to do`)
  t.match(report, { passed: 1, failed: 0 })
  t.same(report.leftOut, [
    { file: 'test/a.test.ts', name: 'two', reason: 'needs root' },
    { file: 'test/a.test.ts', name: 'deep', reason: 'no chromium' },
    { file: 'test/b.test.ts', name: 'all of it', reason: 'nothing to do' },
  ])
})

t.test('slow files and what tests say of what they measured are kept', async t => {
  const { report } = readAll(`# Subtest: test/a.test.ts
    # Subtest: one
        # 12 of 12 right
        1..0
    ok 1 - one # time=10ms
    # time=12345ms
ok 1 - test/a.test.ts # time=12345.6ms
# { total: 1, pass: 1 }`)
  t.match(report.slow, [{ file: 'test/a.test.ts', ms: 12_345.6 }])
  t.same(report.figures, [{ file: 'test/a.test.ts', figure: '12 of 12 right' }])
})
