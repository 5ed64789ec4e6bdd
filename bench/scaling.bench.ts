import { cpus } from 'node:os'
import type { PlainBench } from './bench.ts'
import { fastIcons, iconRow } from './icons.ts'
import { photographRow } from './photographs.ts'
import { openSet } from './pictures.ts'
import { type Outcome, printOutcomes, type Row, runRow } from './row.ts'
import type { Measured } from './simulation/measured.ts'
import { simulateScaling } from './simulation/scaling.ts'
import { tablesOf } from './simulation/tables.ts'
import { median } from './spread.ts'

/** Of the simulation: the same rows give the same tables. */
const SEED = 1

/** A row, and what the simulation has to know of it beside its outcome. */
type Case = Pick<Measured, 'kind' | 'counts'> & { readonly row: Row }

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
      { kind: 'photographs', row: photographRow(pictures) },
    ]
    const outcomes: Outcome[] = []
    for (const { row } of cases) outcomes.push(await runRow(row, folder))
    output.line('\n### measured\n')
    output.line(`${pictures.length} different photographs ${origin}\n`)
    printOutcomes(output, outcomes)

    const measured = cases.map((one, at) => measuredOf(one, outcomes[at] as Outcome))
    const report = simulateScaling(measured, { seed: SEED, cores: cpus().length })
    output.line(`### simulated, with seed ${SEED}`)
    for (const { says, head, rows } of tablesOf(report)) {
      output.line(`\n${says}`)
      output.table(head, rows)
    }
  },
}

/** `beside`: what runs as well, and has no part in the way of a picture. */
function icons(says: string, counts: NonNullable<Measured['counts']> = {}, beside = {}): Case {
  const row = iconRow({ ...fastIcons, says, pictures: 3_000 }, { counts: { ...counts, ...beside } })
  return { kind: 'icons', counts, row }
}

const measuredOf = ({ row: _, ...known }: Case, { says, rates, shares }: Outcome): Measured => ({
  ...known,
  says,
  rate: median(rates),
  cpuMs: Object.fromEntries(Object.entries(shares).map(([name, { all }]) => [name, all])),
})
