import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { type Marks, replaceBetween, textBetween } from '../faults/markdown.ts'
import { benchNames } from './catalogue.ts'
import { type Figure, formatFigures, type Occasion, replaceFigures } from './figure.ts'
import type { Written } from './options.ts'
import type { FoundGoal } from './run.ts'

/** A run of a bench, or of one of its parts. */
export interface RunRecord extends Written {
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
 * Writes a run into a document: its section, or the part of that, and its rows in the table of all goals, which are kept in
 * `figures.json` beside it. The sections and rows of others stay, and so does all that stands outside of the marks.
 */
export function writeRun(path: string, record: RunRecord): void {
  const { name, goals, occasion } = record
  const later = goals.map(goal => ({ bench: name, ...goal, ...occasion }))
  const figures = replaceFigures(readFigures(path), record, later, benchNames)
  const document = readFileSync(path, 'utf8')
  const section = sectionOf(record, textBetween(path, document, marksOf(name)))
  const written = replaceBetween(path, document, marksOf(name), section)
  const whole = replaceBetween(path, written, marksOf('goals'), formatFigures(figures))
  writeFileSync(keptBeside(path), `${JSON.stringify(figures, undefined, 2)}\n`)
  writeFileSync(path, whole)
}

/** What is kept of a document's table of goals. */
export function readFigures(path: string): readonly Figure[] {
  const kept = keptBeside(path)
  return existsSync(kept) ? JSON.parse(readFileSync(kept, 'utf8')) : []
}

const keptBeside = (path: string) => path.replace(/[^/]*$/, 'figures.json')

function sectionOf({ name, part, question, occasion, printed }: RunRecord, before: string): string {
  const command = ['npm run bench', name, ...(part === undefined ? [] : [part])].join(' ')
  const at = occasion.commit === '' ? '' : ` at \`${occasion.commit}\``
  const says = (text: string) => `\`${command}\`${at}, ${text.trim()}`.replaceAll(/\n{3,}/g, '\n\n')
  if (part === undefined) return `${question}\n\n${says(printed)}`
  const headline = `\n### ${part}\n`
  const [head = '', body = ''] = `\n${printed}`.split(headline)
  const begins = before.indexOf(headline)
  const place = begins === -1 ? before.length : begins
  const next = before.indexOf('\n### ', place + 1)
  const behind = next === -1 ? '' : before.slice(next)
  return `${before.slice(0, place).trimEnd()}\n${headline}\n${says(`${head.trim()}\n\n${body.trim()}`)}\n${behind}`
}
