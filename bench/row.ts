import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { percentile } from '../faults/percentile.ts'
import { playBlocks } from './blocks.ts'
import type { CpuTime } from './cpu-time.ts'
import type { MakeForm } from './forms.ts'
import { combineRuns, openLoad, type Run, runShape, type Shape, type Subject } from './load.ts'
import type { Output } from './output.ts'
import { fillPageCache } from './page-cache.ts'
import { describeSpread, median, ratios } from './spread.ts'

/** How often each row is run unless said, each time by another system in a fresh folder. Even: of a pair each is started first as often. */
const ROUNDS = 4
/** Of what is held to goals in seconds: a machine that others are on has slow minutes. */
export const ROUNDS_ALONE = 7

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
  readonly shares: Readonly<Record<string, CpuTime>>
  /** Of each picture of each round. */
  readonly waitedMs: readonly (readonly number[])[]
}

export async function runRow(row: Row, folder: string, rounds = ROUNDS): Promise<Outcome> {
  fillPageCache(folder)
  const runs: Run[] = []
  for (let round = 0; round < rounds; round += 1)
    runs.push(await runShape(row.shape, row.form, openIn(folder, row)))
  return outcomeOf(row, runs)
}

/** Two of the same shape that are compared, round by round. */
export async function runPair(
  pair: readonly [Row, Row],
  folder: string,
): Promise<readonly [Outcome, Outcome]> {
  fillPageCache(folder)
  const rivals = pair.map(row => ({
    name: row.shape.says,
    open: () => openLoad(row.shape, row.form, openIn(folder, row)),
  }))
  const [one, other] = await playBlocks(ROUNDS, pair[0].shape.pictures, rivals)
  return [outcomeOf(pair[0], one?.turns ?? []), outcomeOf(pair[1], other?.turns ?? [])]
}

function openIn(folder: string, { open }: Row): () => Promise<Subject> {
  // Left there until the end: ext4 looks past each file that was deleted lately whenever it makes one.
  return () => open(mkdtempSync(join(folder, 'system-')))
}

function outcomeOf(row: Row, runs: readonly Run[]): Outcome {
  return {
    says: row.shape.says,
    rates: runs.map(({ tookMs }) => (row.shape.pictures / tookMs) * 1_000),
    cpuMs: runs.map(({ cpu }) => Object.values(cpu).reduce((sum, { all }) => sum + all, 0)),
    shares: combineRuns(runs, median),
    waitedMs: runs.map(({ waitedMs }) => waitedMs),
  }
}

/** How long a share of the pictures waited at most, in ms: a figure a round. */
export function waitsOf({ waitedMs }: Outcome, share: number): number[] {
  return waitedMs.map(round => percentile(round, share))
}

export function printOutcomes(output: Output, outcomes: readonly Outcome[]): void {
  output.line(`${outcomes[0]?.rates.length} rounds, medians (least to most)`)
  const rows = outcomes.map(outcome => [
    outcome.says,
    describeSpread(outcome.rates, 0),
    ...[0.5, 0.99].map(share => describeSpread(waitsOf(outcome, share), 1)),
    describeSpread(outcome.cpuMs),
    Object.entries(outcome.shares)
      .map(([name, { all }]) => `${name} ${all.toFixed(2)}`)
      .join(', '),
  ])
  output.table(['', 'a second', 'p50 ms', 'p99 ms', 'CPU ms a picture', 'of that'], rows)
}

/** Two that were compared, and what one is of the other. */
export function printPair(output: Output, [one, other]: readonly [Outcome, Outcome]): void {
  printOutcomes(output, [one, other])
  const rate = describeSpread(ratios(one.rates, other.rates))
  const cpu = describeSpread(ratios(one.cpuMs, other.cpuMs))
  output.line(`By turns, in blocks; one against the other, round by round: rate ${rate}, CPU ${cpu}\n`)
}
