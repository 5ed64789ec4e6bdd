import t from 'tap'
import { catalogue } from '../../faults/catalogue.ts'
import { openFresh } from '../../faults/fresh.ts'
import { recordOf } from '../../faults/record.ts'
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
      const { name, outcome, findings, figures, rounds } = recordOf(trial, { date: '', machine: '' })
      if (outcome === 'left out') {
        t.pass(name, { skip: findings })
        continue
      }
      t.equal(outcome, 'held', `${name}: ${findings}`)
      t.match(findings, /^I1/, `${name}: invariants were looked at`)
      t.comment(`${name}, ${rounds} rounds, seed ${seed}: ${figures.map(({ says }) => says).join('; ')}`)
    }
  })
}
