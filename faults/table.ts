import { formatTable } from './markdown.ts'
import type { TrialRecord } from './record.ts'

/** The columns of the table. */
const head = ['fault', 'rounds', 'figure', 'invariants', 'seed', 'date', 'machine', 'commit'] as const

/** A trial as the cells of one row. */
export function rowOf(record: TrialRecord): string[] {
  const { name, says, rounds, figures, findings, outcome, seed, date, machine, commit = '' } = record
  if (outcome === 'left out') return [`${name} ${says}`, '0', '', findings, '', date, machine, commit]
  const told = figures.map(
    ({ says, goal, isReached }) =>
      says + (goal === undefined ? '' : ` (${goal}${isReached === false ? ', not reached' : ''})`),
  )
  return [`${name} ${says}`, String(rounds), told.join('; '), findings, String(seed), date, machine, commit]
}

/** The whole as a table in Markdown. */
export function formatTrials(records: readonly TrialRecord[]): string {
  return formatTable(head, records.map(rowOf))
}
