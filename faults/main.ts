import { runScript } from '../scripts/failure.ts'
import { openFresh } from './fresh.ts'
import { faultsHelp, readFaultOptions } from './options.ts'
import { writeReport } from './report.ts'
import { openStanding } from './standing.ts'
import { formatTrials, rowOf } from './table.ts'
import { batchesOf, type Trial, tryBatch } from './trial.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

const isBroken = ({ result }: Trial) => 'findings' in result && result.findings.isBroken()

await runScript('faults', async () => {
  const options = readFaultOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(faultsHelp)
    return 0
  }
  const { faults, at, seed, rounds, isFull, report } = options
  const open = at === undefined ? openFresh : () => openStanding(at, process.env)
  const trials: Trial[] = []
  for (const batch of batchesOf(faults, isFull)) {
    const tried = await tryBatch(batch, { rounds, seed, isFull, open, isOwn: at === undefined, say })
    trials.push(...tried)
    for (const trial of tried) say(`${rowOf(trial).join('  |  ')}  |  ${Math.round(trial.took / 1_000)} s`)
  }
  say(`\n${formatTrials(trials)}`)
  if (report !== undefined) writeReport(report, trials)
  return trials.some(isBroken) ? 1 : 0
})
