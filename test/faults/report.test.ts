import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { catalogue } from '../../faults/catalogue.ts'
import type { OpenDeployment } from '../../faults/deployment.ts'
import type { Fault, Figure } from '../../faults/fault.ts'
import { createFindings, describeFindings } from '../../faults/findings.ts'
import { formatGoals } from '../../faults/goals.ts'
import { isInputFault } from '../../faults/input.ts'
import { readFaultOptions } from '../../faults/options.ts'
import { recordOf } from '../../faults/record.ts'
import { writeReport } from '../../faults/report.ts'
import { type Trial, tryBatch } from '../../faults/trial.ts'

const [fault] = catalogue

/** A trial of the first fault, as often as the goal asks for unless said. */
function trialOf(figure: Figure, { rounds = fault?.rounds.full ?? 0, broken = '' } = {}): Trial {
  if (fault === undefined) throw new Error('there is no fault')
  const findings = createFindings()
  findings.look('I1')
  findings.look('I2')
  findings.look('I3')
  if (broken !== '') findings.broke('I2', broken)
  return { fault, rounds, seed: 7, took: 1, result: { figures: [figure], findings } }
}

const occasion = { date: '2026-01-01', machine: 'one' }
const goalOf = (...trials: Trial[]) =>
  formatGoals(trials.map(trial => recordOf(trial, occasion)))
    .split('\n')
    .find(line => line.startsWith(trials.some(isCounted) ? '| G5 |' : '| G1 |'))
    ?.split(' | ')
    .at(-1)
const isCounted = ({ result }: Trial) => 'figures' in result && result.figures.some(({ count }) => count)

t.test('what broke is said in words, what held in short', async t => {
  const { result } = trialOf({ says: 'a' }, { broken: 'one is lost' })
  t.equal('findings' in result && describeFindings(result.findings), 'I2 BROKEN: one is lost. I1, I3 held')
})

t.test('a goal is reached by all its rounds, by its figure, and with nothing broken', async t => {
  const figure = { says: 'a', goal: 'G1' } as const
  t.equal(goalOf(trialOf(figure)), 'yes |')
  t.equal(goalOf(trialOf(figure, { rounds: 1 })), 'so far: too few rounds |')
  t.equal(goalOf(trialOf({ ...figure, isReached: false })), 'no |')
  t.equal(goalOf(trialOf(figure, { broken: 'one is lost' })), 'no |')
  t.equal(goalOf(trialOf({ says: 'a' })), ' |')
})

t.test('a goal that two faults answer is reached by both, and by neither alone', async t => {
  const first = recordOf(trialOf({ says: 'a', goal: 'G9' }), occasion)
  t.match(formatGoals([first]), /\n\| G9 \|.*\| so far: T1 is missing \|\n/)
  t.match(formatGoals([first, { ...first, name: 'T1' }]), /\n\| G9 \|.*\| yes \|\n/)
  t.match(formatGoals([{ ...first, outcome: 'broken' }]), /\n\| G9 \|.*\| no \|\n/)
})

t.test('a goal that a test answers names it', async t => {
  const [, path = ''] = /\n\| G17 \|.*\| (test\S+), .*\| yes \|\n/.exec(formatGoals([])) ?? []
  t.ok(existsSync(path), path)
})

t.test('what all faults reach together is added up, and lost with any of them', async t => {
  const figure = { says: 'a', goal: 'G5', count: 600_000 } as const
  const short = trialOf(figure, { rounds: 1 })
  t.equal(goalOf(short), 'so far: 600000 |')
  t.equal(goalOf(short, trialOf(figure)), 'yes |')
  t.equal(goalOf(short, trialOf(figure, { broken: 'one is lost' })), 'no |')
})

t.test('a report stands between its two marks; a later run replaces its own rows alone', async t => {
  const path = join(t.testdir(), 'document.md')
  const [before, after] = ['before\n\n', '\nafter\n']
  writeFileSync(path, `${before}<!-- printed by scripts/faults.sh -->\n<!-- to here -->\n${after}`)
  const first = recordOf(trialOf({ says: 'the first run' }), occasion)
  writeReport(path, [first, { ...first, name: 'T32', figures: [{ says: 'the other fault' }] }])
  writeReport(path, [
    recordOf(trialOf({ says: 'the second run' }), {
      date: '2026-01-02',
      machine: 'another',
      commit: 'abc1234',
    }),
  ])
  const written = readFileSync(path, 'utf8')
  t.ok(written.startsWith(before) && written.endsWith(after))
  t.notMatch(written, 'the first run')
  t.match(
    written,
    /the second run.*\| 2026-01-02 \| another \| abc1234 \|\n\| T32 .*the other fault.*\| 2026-01-01 \| one \| {2}\|\n/,
  )
  t.match(written, `Node ${process.versions.node}; SQLite 3.`)
  writeFileSync(path, before)
  t.throws(() => writeReport(path, []), { message: /has no place between <!-- printed/ })
})

t.test('a fault that could not be brought about is broken off, and said so', async t => {
  const open: OpenDeployment = async () => {
    throw new Error('no system')
  }
  const failing: Fault = {
    name: 'T99',
    says: 'nothing',
    rounds: { full: 1, short: 1 },
    async run({ open }) {
      await open()
      throw new Error('it was opened')
    },
  }
  const say = () => {}
  const options = { seed: 1, isFull: false, open, isOwn: true, say }
  const [trial] = await tryBatch([failing], options)
  t.match(trial?.result, { brokenOff: 'no system' })

  const sharing = catalogue.filter(isInputFault).slice(0, 2)
  const trials = await tryBatch(sharing, options)
  t.same(
    trials.map(({ result }) => result),
    sharing.map(() => ({ brokenOff: 'no system' })),
  )
})

t.test('what is called wrongly is one line', async t => {
  t.throws(() => readFaultOptions(['--only', 'T99']), {
    message: 'there is no fault T99; see --help',
    exitStatus: 2,
  })
  t.throws(() => readFaultOptions(['--rounds', '0']), { message: '--rounds is not a whole number from 1' })
  t.throws(() => readFaultOptions(['--nothing']), { message: /^Unknown option '--nothing'; see --help$/ })
  t.equal(readFaultOptions(['--help']), 'help')
  t.match(readFaultOptions(['--only', 'T2,T1', '--rounds', '3', '--seed', '5']), {
    faults: [{ name: 'T2' }, { name: 'T1' }],
    rounds: 3,
    seed: 5,
    isFull: false,
  })
})
