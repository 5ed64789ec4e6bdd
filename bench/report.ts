import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Marks, replaceBetween } from '../faults/markdown.ts'
import { benchNames } from './catalogue.ts'
import { type Figure, formatFigures, type Occasion, replaceFigures } from './figure.ts'
import type { FoundGoal } from './run.ts'

/** A run of a whole bench. */
export interface RunRecord {
  readonly name: string
  readonly question: string
  readonly occasion: Occasion
  /** What it printed, when and on what at its head. */
  readonly printed: string
  readonly goals: readonly FoundGoal[]
}

/** What stands between these two lines of the report was printed by this bench; by all of them, the table of goals. */
export const marksOf = (name: string): Marks => ({
  begin: `<!-- ${name} -->`,
  end: `<!-- end of ${name} -->`,
})

/**
 * Writes a run into a document: its section, and its rows in the table of all goals, which are kept in `figures.json` beside it.
 * The sections and rows of other benches stay, and so does all that stands outside of the marks.
 */
export function writeRun(path: string, { name, question, occasion, printed, goals }: RunRecord): void {
  const kept = path.replace(/[^/]*$/, 'figures.json')
  const before = existsSync(kept) ? (JSON.parse(readFileSync(kept, 'utf8')) as Figure[]) : []
  const later = goals.map(goal => ({ bench: name, ...goal, ...occasion }))
  const figures = replaceFigures(before, name, later, benchNames)
  const command = `\`npm run bench ${name}\` at \`${occasion.commit}\`, ${printed.trim()}`
  const section = `${question}\n\n${command.replaceAll(/\n{3,}/g, '\n\n')}`
  const document = readFileSync(path, 'utf8')
  const written = replaceBetween(path, document, marksOf(name), section)
  const whole = replaceBetween(path, written, marksOf('goals'), formatFigures(figures))
  writeFileSync(kept, `${JSON.stringify(figures, undefined, 2)}\n`)
  writeFileSync(path, whole)
}
