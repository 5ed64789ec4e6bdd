import type { Figure } from './fault.ts'
import { formatTable } from './markdown.ts'
import type { TrialRecord } from './record.ts'

/** The figures to reach, as reliability is judged by. Numbers that are not used are not missing. */
export const goals: Readonly<Record<`G${number}`, string>> = {
  G1: '600 kills, 100 of each service, 10,000 acknowledged uploads: 0 lost, duplicated or wrong',
  G2: '100 power cuts: 0 lost',
  G3: '20 or more failpoints, each with a crash, an error once, an error for ever: 0 violations',
  G4: '200 zombies: all refused',
  G5: '1,000,000 looks at the image of a task that a worker can see: 0 misses',
  G7: '1,000 bit flips: all detected, 0 served',
  G8: 'an abandoned task is back a second after its lease; within a second when its worker is told to end',
  G9: 'from a restart to the first success 1 s (p99) a service; all from cold in 3 s with 100,000 tasks',
  G10: 'a dead address is unused after 3 s, and gone a second after its time',
  G11: '60 s without kv-store: 0 failed uploads, all entered again in 5 s',
  G12: 'rolling restarts under load: 0 errors that a client sees',
  G13: '1,000 uploads of 5 MB at once, 512 MB a service: 0 out of memory, 0 lost, refusals 429 or 503 with Retry-After',
  G14: '1,000 slow sockets: the p99 of honest visitors at most doubles, and none lives longer than 35 s',
  G15: '14 of 14 corrupt files, 100,000 mutants: 0 crashes, 0 hangs over 5 s, 0 finished and wrong',
  G16: '100,000 fuzzed requests: 0 answers of 5xx',
  G17: 'every route and every refusal in one table test',
  G18: 'disk full: 0 false acknowledgements, healed in 1 s',
  G20: 'an idle worker has a new task within 20 ms (p99)',
}

/** Goals that more than one fault answers: none of them reaches it alone. */
const answeredBy: Readonly<Record<string, readonly string[]>> = {
  G8: ['T13', 'T33'],
  G9: ['T0', 'T1'],
  G10: ['T9', 'T15'],
  G15: ['T21', 'T22'],
}

/** Goals that no fault answers, but a test, each time that scripts/test.sh runs. */
const testedBy: Readonly<Record<string, string>> = { G17: 'test/system/refusals.test.ts' }

/** What the figures of a goal have to add up to. */
const totals: Readonly<Record<string, number>> = { G5: 1_000_000 }

/** What was found of each goal, as a table in Markdown: what no trial found says so. */
export function formatGoals(records: readonly TrialRecord[]): string {
  const rows = Object.entries(goals).map(([goal, says]) => {
    const test = testedBy[goal]
    if (test !== undefined) return [goal, says, `${test}, a part of scripts/test.sh`, 'yes']
    const found = records.flatMap(record => foundBy(record, goal))
    const figures = found.map(({ record, figure }) => `${record.name}: ${figure.says}`).join('; ')
    return [goal, says, figures, verdictOf(goal, found)]
  })
  return formatTable(['', 'goal', 'found', 'reached'], rows)
}

interface Found {
  readonly record: TrialRecord
  readonly figure: Figure
}

const foundBy = (record: TrialRecord, goal: string): Found[] =>
  record.figures.filter(figure => figure.goal === goal).map(figure => ({ record, figure }))

function verdictOf(goal: string, found: readonly Found[]): string {
  if (found.length === 0) return ''
  const total = totals[goal]
  if (total !== undefined && found.every(({ record }) => record.outcome === 'held')) {
    const sum = found.reduce((sum, { figure }) => sum + (figure.count ?? 0), 0)
    return sum >= total ? 'yes' : `so far: ${sum}`
  }
  if (found.some(({ record, figure }) => figure.isReached === false || record.outcome !== 'held')) return 'no'
  const missing = (answeredBy[goal] ?? []).filter(name => found.every(({ record }) => record.name !== name))
  if (missing.length > 0) return `so far: ${missing.join(', ')} is missing`
  return found.every(({ record }) => record.isWhole) ? 'yes' : 'so far: too few rounds'
}
