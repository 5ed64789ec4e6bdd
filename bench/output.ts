import { formatTable } from '../faults/markdown.ts'
import { describeFound, describeWanted, type Goal, judge } from './goal.ts'

/** Where a bench says what it found, in Markdown. */
export interface Output {
  line(text: string): void
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
  /** A line of a list, and a row in the table of all goals. */
  goal(goal: Goal): void
}

/** An output that says it all at once, and keeps the goals. */
export interface GatheringOutput extends Output {
  readonly goals: readonly Goal[]
}

export function createOutput(say: (line: string) => void): GatheringOutput {
  const goals: Goal[] = []
  return {
    goals,
    line: say,
    table: (head, rows) => say(`\n${formatTable(head, rows)}\n`),
    goal(goal) {
      goals.push(goal)
      const found = describeFound(goal)
      say(`- ${goal.says}: ${found === '' ? '' : `${found}, `}${describeWanted(goal)} wanted: ${judge(goal)}`)
    },
  }
}
