import type { Figure } from './fault.ts'
import { describeFindings } from './findings.ts'
import type { Trial } from './trial.ts'

/** What is kept of a trial: plain data, for tables and for the file beside a report. */
export interface TrialRecord {
  readonly name: string
  readonly says: string
  /** When it was made, YYYY-MM-DD; on what: how many of which processor; and of which state of the project, where that was written down. */
  readonly date: string
  readonly machine: string
  readonly commit?: string
  readonly rounds: number
  /** As often as the long run brings it about, or more often. */
  readonly isWhole: boolean
  readonly seed: number
  readonly figures: readonly Figure[]
  /** Which invariants held and which broke, in words; or why it was not tried. */
  readonly findings: string
  readonly outcome: 'held' | 'broken' | 'left out' | 'broken off'
}

/** When, on what and of what a trial was made. */
export type Occasion = Pick<TrialRecord, 'date' | 'machine' | 'commit'>

export function recordOf({ fault, rounds, seed, result }: Trial, occasion: Occasion): TrialRecord {
  const { name, says } = fault
  const isWhole = rounds >= fault.rounds.full
  if ('findings' in result) {
    const { figures, findings } = result
    const outcome = findings.isBroken() ? 'broken' : 'held'
    const told = describeFindings(findings)
    return { name, says, ...occasion, rounds, isWhole, seed, figures, findings: told, outcome }
  }
  const [outcome, why] =
    'leftOut' in result
      ? (['left out', result.leftOut] as const)
      : (['broken off', result.brokenOff] as const)
  const told = `${outcome}: ${why}`
  return { name, says, ...occasion, rounds, isWhole, seed, figures: [], findings: told, outcome }
}

/** Those of before, each replaced by a later one of the same fault, in the order of the faults. */
export function mergeRecords(
  before: readonly TrialRecord[],
  later: readonly TrialRecord[],
): readonly TrialRecord[] {
  const byName = new Map([...before, ...later].map(record => [record.name, record]))
  return [...byName.values()].sort((a, b) => Number(a.name.slice(1)) - Number(b.name.slice(1)))
}
