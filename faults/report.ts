import { readFileSync, writeFileSync } from 'node:fs'
import { Failure } from '../scripts/failure.ts'
import { formatGoals } from './goals.ts'
import { formatTrials } from './table.ts'
import type { Trial } from './trial.ts'
import { describeVersions } from './versions.ts'

/** What stands between these two lines of a document is the last run's. */
const BEGIN = '<!-- printed by scripts/faults.sh -->'
const END = '<!-- to here -->'

/** Writes the table into a document, with the date and all versions. */
export function writeReport(path: string, trials: readonly Trial[]): void {
  const before = readFileSync(path, 'utf8')
  const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)]
  if (from === -1 || to < from) throw new Failure(`${path} has no place for the table`)
  const date = new Date().toISOString().slice(0, 10)
  const head = `${date}. ${describeVersions()}.`
  const parts = [BEGIN, head, formatGoals(trials), formatTrials(trials), '']
  const written = parts.join('\n\n')
  writeFileSync(path, `${before.slice(0, from)}${written.trimEnd()}\n\n${before.slice(to)}`)
}
