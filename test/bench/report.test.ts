import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Bench } from '../../bench/bench.ts'
import { benchNames } from '../../bench/catalogue.ts'
import { readBenchOptions } from '../../bench/options.ts'
import { createOutput } from '../../bench/output.ts'
import { marksOf, type RunRecord, writeRun } from '../../bench/report.ts'
import { runBench } from '../../bench/run.ts'
import { replaceBetween } from '../../faults/markdown.ts'

const placeOf = (name: string) => `${marksOf(name).begin}\n\nnothing yet\n\n${marksOf(name).end}\n`

const document = `# Benches\n\nhead\n\n${placeOf('goals')}\n## hop\n\nbefore hop\n\n${placeOf('hop')}\nafter hop\n\n${placeOf('crc')}\nfoot\n`

function runOf(name: string, found: number): RunRecord {
  return {
    name,
    question: `what of ${name}?`,
    occasion: { date: '2026-01-01', machine: 'one', commit: 'abc1234' },
    printed: `1 January 2026, one\n\n${name} found ${found}`,
    goals: [{ says: 'time', unit: 'ms', found, most: 8 }],
  }
}

t.test(
  'a run replaces its own section and its own rows, and leaves others and what people wrote',
  async t => {
    const path = join(t.testdir(), 'README.md')
    writeFileSync(path, document)
    writeRun(path, runOf('hop', 9))
    writeRun(path, runOf('crc', 7))
    const row = (bench: string, found: string) =>
      `| ${bench} | time | ${found} | at most 8 | ${found < '8' ? 'reached' : 'NOT reached'} | 2026-01-01 | one | abc1234 |\n`
    const before = readFileSync(path, 'utf8')
    t.match(before, row('crc', '7.000 ms') + row('hop', '9.000 ms'), 'in the order of the benches')
    writeRun(path, runOf('hop', 5))
    const after = readFileSync(path, 'utf8')
    t.equal(
      after,
      before.replaceAll('hop found 9', 'hop found 5').replace(row('hop', '9.000 ms'), row('hop', '5.000 ms')),
    )
    for (const prose of [
      '# Benches\n\nhead\n\n',
      '\n## hop\n\nbefore hop\n\n',
      '\nafter hop\n\n',
      '\nfoot\n',
    ])
      t.ok(after.includes(prose), prose.trim())
    t.match(
      after,
      `${marksOf('hop').begin}\n\nwhat of hop?\n\n\`npm run bench hop\` at \`abc1234\`, 1 January 2026, one\n`,
    )
  },
)

t.test('a run of one part replaces that part and its rows, and leaves the others', async t => {
  const path = join(t.testdir(), 'README.md')
  writeFileSync(path, document)
  const parts = (first: number, second: number): RunRecord => ({
    ...runOf('hop', 0),
    printed: `1 January 2026, one\n\n### first\n\nfound ${first}\n\n### second\n\nfound ${second}\n`,
    goals: [
      { part: 'first', says: 'time', unit: 'ms', found: first, most: 8 },
      { part: 'second', says: 'time', unit: 'ms', found: second, most: 8 },
    ],
  })
  writeRun(path, parts(1, 2))
  writeRun(path, runOf('crc', 7))
  const before = readFileSync(path, 'utf8')
  const again = (part: string, found: number): RunRecord => ({
    ...runOf('hop', 0),
    part,
    occasion: { date: '2026-02-02', machine: 'other', commit: 'def5678' },
    printed: `2 February 2026, other\n\n### ${part}\n\nfound ${found}`,
    goals: [{ part, says: 'time', unit: 'ms', found, most: 8 }],
  })
  writeRun(path, again('first', 3))
  const row = (part: string, found: number, when: string) =>
    `| hop ${part} | time | ${found}.000 ms | at most 8 | reached | ${when} |\n`
  const [early, late] = ['2026-01-01 | one | abc1234', '2026-02-02 | other | def5678']
  const command = (part: string) => `\`npm run bench hop ${part}\` at \`def5678\`, 2 February 2026, other`
  const after = before
    .replace('### first\n\nfound 1\n', `### first\n\n${command('first')}\n\nfound 3\n`)
    .replace(row('first', 1, early), row('first', 3, late))
  t.equal(readFileSync(path, 'utf8'), after)
  writeRun(path, again('second', 4))
  writeRun(path, again('third', 5))
  const second = `### second\n\n${command('second')}\n\nfound 4\n`
  t.equal(
    readFileSync(path, 'utf8'),
    after
      .replace('### second\n\nfound 2\n', `${second}\n### third\n\n${command('third')}\n\nfound 5\n`)
      .replace(row('second', 2, early), row('second', 4, late) + row('third', 5, late)),
  )
})

t.test('a figure that could not be measured says so, also once it was kept', async t => {
  const path = join(t.testdir(), 'README.md')
  writeFileSync(path, document)
  writeRun(path, runOf('hop', Number.NaN))
  writeRun(path, runOf('crc', 1))
  t.match(readFileSync(path, 'utf8'), '| hop | time |  | at most 8 | not measured |')
})

t.test('where a document has no place for a bench nothing is written', async t => {
  const path = join(t.testdir(), 'README.md')
  writeFileSync(path, document)
  t.throws(() => writeRun(path, runOf('levels', 1)), { message: /has no place between <!-- levels -->/ })
  t.equal(readFileSync(path, 'utf8'), document)
  t.notOk(existsSync(join(t.testdirName, 'figures.json')))
})

t.test('every bench has its place in the report', async t => {
  const report = readFileSync(join('bench', 'README.md'), 'utf8')
  for (const name of ['goals', ...benchNames])
    t.match(replaceBetween('it', report, marksOf(name), 'new'), `\n${marksOf(name).begin}\n\nnew\n`, name)
})

t.test('goals are lines of a list, at most and at least, with their unit', async t => {
  const lines: string[] = []
  const output = createOutput(line => lines.push(line))
  output.goal({ says: 'time against it', found: 0.0884, most: 0.1 })
  output.goal({ says: 'rate', unit: 'a second', found: 549.94, least: 550 })
  output.goal({ says: 'rate', unit: 'a second', found: Number.NaN, least: 550 })
  t.same(lines, [
    '- time against it: 0.088, at most 0.1 wanted: reached',
    '- rate: 549.9 a second, at least 550 wanted: NOT reached',
    '- rate: at least 550 wanted: not measured',
  ])
  t.equal(output.goals.length, 3)
})

t.test('the parts that were asked for run, each with goals of its own; what is left out is said', async t => {
  const folder = t.testdir()
  const ran: string[] = []
  const bench: Bench = {
    question: 'what?',
    needs: [
      { package: 'one', for: 'all', name: 'One', find: () => '1.2' },
      { package: 'other', for: 'second', name: 'Other', find: () => undefined },
    ],
    parts: {
      async first(output) {
        ran.push('first')
        output.goal({ says: 'size', found: 1, most: 1 })
      },
      async second(output, own) {
        ran.push('second')
        t.ok(existsSync(own))
        output.goal({ says: 'size', found: 2, most: 1 })
      },
    },
  }
  const lines: string[] = []
  const say = (line: string) => lines.push(line)
  t.same(await runBench({ bench, args: ['second'], folder, say }), [
    { part: 'second', says: 'size', found: 2, most: 1 },
  ])
  t.same(ran, ['second'])
  t.match(lines[0], /^\d+ \w+ \d{4}, \d+ x .*, \d+ GB, Linux \d\S+, \S+, node v[\d.]+, One 1\.2$/)
  t.equal(lines[1], '\nLeft out since not installed: other (second)')
  const all = await runBench({ bench, args: [], folder, say })
  t.same(
    all.map(({ part }) => part),
    ['first', 'second'],
  )
  await t.rejects(runBench({ bench, args: ['third'], folder, say }), {
    message: 'no part third: there are first, second',
    exitStatus: 2,
  })
  const plain: Bench = { question: 'what?', run: async () => {} }
  await t.rejects(runBench({ bench: plain, args: ['3'], folder, say }), {
    message: 'it takes no arguments: 3',
  })
})

t.test('what is called wrongly is one line, which names the benches', async t => {
  t.throws(() => readBenchOptions(['nothing']), { message: /^there is no bench nothing: there are codec, / })
  t.throws(() => readBenchOptions(['--write', 'crc', 'nothing']), { message: /^there is no bench nothing/ })
  t.throws(() => readBenchOptions(['--nothing']), { message: /^Unknown option '--nothing'/ })
  t.equal(readBenchOptions(['--help']), 'help')
  t.same(readBenchOptions(['codec', 'large']), { name: 'codec', args: ['large'] })
  t.throws(() => readBenchOptions(['--write', 'nothing/race']), { message: /^there is no bench nothing: / })
  t.same(readBenchOptions(['--write', 'crc', 'dispatch/race']), {
    written: [{ name: 'crc' }, { name: 'dispatch', part: 'race' }],
  })
  t.throws(() => readBenchOptions(['dispatch/race']), { message: /^there is no bench dispatch\/race: / })
  t.same(readBenchOptions([]), { written: benchNames.map(name => ({ name })) })
})
