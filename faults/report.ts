import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Failure } from '../scripts/failure.ts'
import { formatGoals } from './goals.ts'
import { mergeRecords, type TrialRecord } from './record.ts'
import { formatTrials } from './table.ts'
import { describeVersions } from './versions.ts'

/** What stands between these two lines of a document was written here. */
const BEGIN = '<!-- printed by scripts/faults.sh -->'
const END = '<!-- to here -->'

/**
 * Writes what was found into a document, with all versions, and keeps it beside the document as JSON: a run of some faults
 * replaces their rows, and leaves those of the others.
 */
export function writeReport(path: string, records: readonly TrialRecord[]): void {
  const before = readFileSync(path, 'utf8')
  const [from, to] = [before.indexOf(BEGIN), before.indexOf(END)]
  if (from === -1 || to < from) throw new Failure(`${path} has no place for the table`)
  const kept = path.replace(/\.md$/, '.json')
  const earlier = existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as TrialRecord[]) : []
  const all = mergeRecords(earlier, records)
  writeFileSync(kept, `${JSON.stringify(all, undefined, 2)}\n`)
  const parts = [BEGIN, `${describeVersions()}.`, formatGoals(all), formatTrials(all), '']
  writeFileSync(path, `${before.slice(0, from)}${parts.join('\n\n').trimEnd()}\n\n${before.slice(to)}`)
}
