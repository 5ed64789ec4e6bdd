import { cpus } from 'node:os'
import type { PlainBench } from './bench.ts'
import { measureSyncs, waitOf } from './fsync.ts'
import { fastIcons, iconRow } from './icons.ts'
import type { Shape } from './load.ts'
import type { Output } from './output.ts'
import { fastPhotographs, photographRow } from './photographs.ts'
import { openSet, type Picture } from './pictures.ts'
import { type Outcome, printOutcomes, type Row, runRow } from './row.ts'
import { type Check, deviationOf } from './simulation/check.ts'
import type { Measured } from './simulation/measured.ts'
import { type Report, simulateScaling } from './simulation/scaling.ts'
import { tablesOf } from './simulation/tables.ts'
import { median } from './spread.ts'
import { measureTransaction } from './transaction.ts'

/** Of the simulation: the same rows give the same tables. */
const SEED = 1

/** A row, and what the simulation has to know of it beside its outcome. */
type Case = Pick<Measured, 'kind' | 'counts' | 'isAlone'> & { readonly row: Row }

/** Here cores are idle most of the time: how long it takes is a matter of what waits for what. */
const alone: Shape = {
  says: 'icons, one who waits for each',
  lanes: 1,
  isClosed: true,
  before: 200,
  pictures: 600,
}

/**
 * Several processes of a kind on this machine, where whether it gets any faster depends on the cores; what these rows came to
 * goes on into a simulation of systems that have a machine for each process.
 */
export const scaling: PlainBench = {
  question: 'How does the rate grow with the processes of a kind: here, and simulated to 100 workers?',
  async run(output, folder) {
    const { pictures, origin } = openSet('photographs', folder)
    const cases: readonly Case[] = [
      icons('icons'),
      ...[2, 4].map(count => icons(`icons, ${count} workers`, { worker: count })),
      ...[2, 3].map(count =>
        icons(`icons, ${count} masters and frontends`, { frontend: count }, { master: count }),
      ),
      { kind: 'icons', isAlone: true, row: iconRow(alone) },
      photographs('photographs', pictures),
      ...[2, 4].map(count => photographs(`photographs, ${count} workers`, pictures, { worker: count })),
    ]
    const outcomes: Outcome[] = []
    for (const { row } of cases) outcomes.push(await runRow(row, folder))
    output.line('\n### measured\n')
    output.line(`${pictures.length} different photographs ${origin}\n`)
    printOutcomes(output, outcomes)

    const measured = cases.map((one, at) => measuredOf(one, outcomes[at] as Outcome))
    const costs = await measureCosts(output, folder)
    output.line(`### simulated, with seed ${SEED}`)
    print(output, simulateScaling(measured, { seed: SEED, cores: cpus().length, ...costs }))
  },
}

/** What the simulation has to know of this machine beside the rows. */
async function measureCosts(output: Output, folder: string) {
  const { aloneMs, sharedMs } = await measureTransaction(folder)
  const { fsync, fdatasync } = measureSyncs(folder)
  const [transactionMs, fsyncMs, fdatasyncMs] = [
    Math.max(0, aloneMs - sharedMs),
    waitOf(fsync),
    waitOf(fdatasync),
  ]
  output.line(
    `A transaction takes ${transactionMs.toFixed(3)} ms of CPU, whatever is in it; for the disk an fsync waits ${fsyncMs.toFixed(2)} ms, an fdatasync ${fdatasyncMs.toFixed(2)}.\n`,
  )
  return { transactionMs, fsyncMs, fdatasyncMs }
}

function print(output: Output, report: Report): void {
  for (const { says, head, rows } of tablesOf(report)) {
    output.line(`\n${says}`)
    output.table(head, rows)
  }
  const says = 'farthest ratio of simulated to measured from the first'
  const { checks } = report
  const busy = checks.filter(({ isAlone }) => !isAlone)
  const waiting = [checks[0] as Check, ...checks.filter(({ isAlone }) => isAlone)]
  output.goal({ says: `${says}, by its own CPU`, found: deviationOf(busy, 'simulated'), most: 1.25 })
  output.goal({ says: `${says}, foretold`, found: deviationOf(busy, 'foretold'), most: 1.5 })
  output.goal({
    says: 'ratio of one who waits from the first, by its own CPU',
    found: deviationOf(waiting, 'simulated'),
    most: 1.5,
  })
}

/** `beside`: what runs as well, and has no part in the way of a picture. */
function icons(says: string, counts: NonNullable<Measured['counts']> = {}, beside = {}): Case {
  const row = iconRow({ ...fastIcons, says, pictures: 3_000 }, { counts: { ...counts, ...beside } })
  return { kind: 'icons', counts, row }
}

/** Half as many as elsewhere: there are three rows of them. */
function photographs(
  says: string,
  pictures: readonly Picture[],
  counts: NonNullable<Measured['counts']> = {},
): Case {
  const row = photographRow(pictures, { ...fastPhotographs, says, pictures: 480 }, { counts })
  return { kind: 'photographs', counts, row }
}

const measuredOf = ({ row: _, ...known }: Case, { says, rates, shares }: Outcome): Measured => ({
  ...known,
  says,
  rate: median(rates),
  cpu: shares,
})
