import { formatTable } from '../faults/markdown.ts'
import { describeFound, describeWanted, judge } from './goal.ts'
import type { Written } from './options.ts'
import type { FoundGoal } from './run.ts'

/** When, on what and of which state of the project a bench was run. */
export interface Occasion {
  /** YYYY-MM-DD. */
  readonly date: string
  /** How many of which processor. */
  readonly machine: string
  /** Short; of a state that was not committed, the one below it, and said so. Empty where nobody wrote it down. */
  readonly commit: string
}

/** A goal, and what a run found of it: plain data, kept beside the report. */
export type Figure = FoundGoal & Occasion & { readonly bench: string }

/** Those of before, with all of one bench, or of one of its parts, replaced by later ones, in the order of the benches. */
export function replaceFigures(
  before: readonly Figure[],
  { name, part }: Written,
  later: readonly Figure[],
  order: readonly string[],
): readonly Figure[] {
  const isReplaced = (figure: Figure) => figure.bench === name && (part === undefined || figure.part === part)
  const first = before.findIndex(isReplaced)
  const all = before.filter(figure => !isReplaced(figure))
  all.splice(first === -1 ? all.length : first, 0, ...later)
  return all.sort((a, b) => order.indexOf(a.bench) - order.indexOf(b.bench))
}

/** All of them in one table. */
export function formatFigures(figures: readonly Figure[]): string {
  const rows = figures.map(figure => {
    const { bench, part, says, date, machine, commit } = figure
    const name = part === undefined ? bench : `${bench} ${part}`
    return [name, says, describeFound(figure), describeWanted(figure), judge(figure), date, machine, commit]
  })
  return formatTable(['bench', 'figure', 'found', 'wanted', 'verdict', 'date', 'machine', 'commit'], rows)
}
