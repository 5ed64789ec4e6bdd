import { runScript } from '../scripts/failure.ts'
import { describeCommit } from './commit.ts'
import { openFresh } from './fresh.ts'
import { describeMachine } from './machine.ts'
import { faultsHelp, readFaultOptions } from './options.ts'
import { recordOf, type TrialRecord } from './record.ts'
import { writeReport } from './report.ts'
import { openStanding } from './standing.ts'
import { formatTrials, rowOf } from './table.ts'
import { batchesOf, tryBatch } from './trial.ts'

const say = (line: string) => process.stdout.write(`${line}\n`)

await runScript('faults', async () => {
  const options = readFaultOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(faultsHelp)
    return 0
  }
  const { faults, at, seed, rounds, isFull, report } = options
  const open = at === undefined ? openFresh : () => openStanding(at, process.env)
  const date = new Date().toISOString().slice(0, 10)
  // Of a system that stood before it is not known which commit it is.
  const commit = at === undefined ? describeCommit() : ''
  const occasion = { date, machine: describeMachine(), commit }
  const records: TrialRecord[] = []
  for (const batch of batchesOf(faults, isFull)) {
    for (const trial of await tryBatch(batch, { rounds, seed, isFull, open, isOwn: at === undefined, say })) {
      const record = recordOf(trial, occasion)
      records.push(record)
      say(`${rowOf(record).join('  |  ')}  |  ${Math.round(trial.took / 1_000)} s`)
    }
    // After each: a long run may be broken off.
    if (report !== undefined) writeReport(report, records)
  }
  say(`\n${formatTrials(records)}`)
  return records.some(({ outcome }) => outcome === 'broken' || outcome === 'broken off') ? 1 : 0
})
