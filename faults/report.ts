import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { formatGoals } from './goals.ts'
import { type Marks, replaceBetween } from './markdown.ts'
import { mergeRecords, type TrialRecord } from './record.ts'
import { formatTrials } from './table.ts'
import { describeVersions } from './versions.ts'

/** What stands between these two lines of a document was written here. */
const MARKS: Marks = { begin: '<!-- printed by scripts/faults.sh -->', end: '<!-- to here -->' }

/**
 * Writes what was found into a document, with all versions, and keeps it beside the document as JSON: a run of some faults
 * replaces their rows, and leaves those of the others.
 */
export function writeReport(path: string, records: readonly TrialRecord[]): void {
  const before = readFileSync(path, 'utf8')
  const kept = path.replace(/\.md$/, '.json')
  const earlier = existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as TrialRecord[]) : []
  const all = mergeRecords(earlier, records)
  const parts = [`${describeVersions()}.`, formatGoals(all), formatTrials(all)]
  const after = replaceBetween(path, before, MARKS, parts.join('\n\n'))
  writeFileSync(kept, `${JSON.stringify(all, undefined, 2)}\n`)
  writeFileSync(path, after)
}
