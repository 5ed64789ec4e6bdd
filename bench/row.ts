import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { percentile } from '../faults/percentile.ts'
import type { MakeForm } from './forms.ts'
import { type Run, runShape, type Shape, type Subject } from './load.ts'
import type { Output } from './output.ts'
import { playRounds } from './rounds.ts'
import { describeSpread, median } from './spread.ts'

/** How often each row is run, each time by another system in a fresh folder. */
export const ROUNDS = 5

/** A shape of load, and the system under it. */
export interface Row {
  readonly shape: Shape
  readonly form: MakeForm
  /** Starts it, with its data there. */
  readonly open: (dataDir: string) => Promise<Subject>
}

/** What the runs of a row came to. */
export interface Outcome {
  readonly says: string
  /** Pictures a second, and CPU time a picture in ms, of all services and the client: a figure a round. */
  readonly rates: readonly number[]
  readonly cpuMs: readonly number[]
  /** Of each process and of the client, the median round. */
  readonly shares: Readonly<Record<string, number>>
  /** Of all pictures of all rounds. */
  readonly waitedMs: readonly number[]
}

export async function runRow(row: Row, folder: string): Promise<Outcome> {
  const runs: Run[] = []
  for (let round = 0; round < ROUNDS; round += 1) runs.push(await runOnce(row, folder))
  return outcomeOf(row, runs)
}

/** Two that are compared, round by round. */
export async function runPair(
  pair: readonly [Row, Row],
  folder: string,
): Promise<readonly [Outcome, Outcome]> {
  const [one, other] = await playRounds(
    ROUNDS,
    pair.map(row => ({ name: row.shape.says, turn: () => runOnce(row, folder) })),
    0,
  )
  return [outcomeOf(pair[0], one?.turns ?? []), outcomeOf(pair[1], other?.turns ?? [])]
}

function runOnce({ shape, form, open }: Row, folder: string): Promise<Run> {
  // Left there until the end: ext4 looks past each file that was deleted lately whenever it makes one.
  const dataDir = mkdtempSync(join(folder, 'system-'))
  return runShape(shape, form, () => open(dataDir))
}

function outcomeOf(row: Row, runs: readonly Run[]): Outcome {
  const names = Object.keys(runs[0]?.cpuMs ?? {})
  const shareOf = (name: string) => median(runs.map(({ cpuMs }) => cpuMs[name] ?? Number.NaN))
  return {
    says: row.shape.says,
    rates: runs.map(({ tookMs }) => (row.shape.pictures / tookMs) * 1_000),
    cpuMs: runs.map(({ cpuMs }) => Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0)),
    shares: Object.fromEntries(names.map(name => [name, shareOf(name)])),
    waitedMs: runs.flatMap(({ waitedMs }) => waitedMs),
  }
}

export function printOutcomes(output: Output, outcomes: readonly Outcome[]): void {
  output.line(`${ROUNDS} rounds, medians (least to most); p50 and p99 over all rounds`)
  const rows = outcomes.map(({ says, rates, cpuMs, shares, waitedMs }) => [
    says,
    describeSpread(rates, 0),
    [0.5, 0.99].map(share => percentile(waitedMs, share).toFixed(1)).join(', '),
    describeSpread(cpuMs),
    Object.entries(shares)
      .map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
      .join(', '),
  ])
  output.table(['', 'a second', 'p50, p99 ms', 'CPU ms a picture', 'of that'], rows)
}
