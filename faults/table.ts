import { describeFindings } from './findings.ts'
import type { Trial } from './trial.ts'

/** The columns of the table. */
export const head = ['fault', 'rounds', 'figure', 'invariants', 'seed'] as const

/** A trial as the cells of one row. */
export function rowOf({ fault, rounds, seed, result }: Trial): string[] {
  const name = `${fault.name} ${fault.says}`
  if ('leftOut' in result) return [name, '0', `left out: ${result.leftOut}`, '', '']
  const figures = result.figures.map(
    ({ says, goal, isReached }) =>
      says + (goal === undefined ? '' : ` (${goal}${isReached === false ? ', not reached' : ''})`),
  )
  return [name, String(rounds), figures.join('; '), describeFindings(result.findings), String(seed)]
}

/** The whole as a table in Markdown. */
export function formatTrials(trials: readonly Trial[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...trials.map(rowOf).map(line)].join('\n')
}
