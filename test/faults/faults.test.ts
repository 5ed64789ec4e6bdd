import t from 'tap'
import { catalogue } from '../../faults/catalogue.ts'
import { describeFindings } from '../../faults/findings.ts'
import { openFresh } from '../../faults/fresh.ts'
import { batchesOf, tryBatch } from '../../faults/trial.ts'
import { isFull } from '../system/scale.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1e6)
const say = (line: string) => t.comment(line)

t.setTimeout(7_000_000)

const faults = catalogue.filter(({ rounds }) => isFull || rounds.short > 0)

for (const batch of batchesOf(faults, isFull)) {
  const names = batch.map(({ name, says }) => `${name}, ${says}`).join('; ')
  t.test(`after ${names}, nothing is lost`, async t => {
    for (const trial of await tryBatch(batch, { seed, isFull, open: openFresh, isOwn: true, say })) {
      const { fault, rounds, result } = trial
      if ('leftOut' in result) {
        t.pass(fault.name, { skip: result.leftOut })
        continue
      }
      t.ok(result.findings.lookedAt().length > 0, `${fault.name}: invariants were looked at`)
      t.equal(result.findings.isBroken(), false, `${fault.name}: ${describeFindings(result.findings)}`)
      const figures = result.figures.map(({ says }) => says).join('; ')
      t.comment(`${fault.name}, ${rounds} rounds, seed ${seed}: ${figures}`)
    }
  })
}
