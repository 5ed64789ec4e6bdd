import t from 'tap'
import { catalogue } from '../../faults/catalogue.ts'
import { describeFindings } from '../../faults/findings.ts'
import { openFresh } from '../../faults/fresh.ts'
import { tryFault } from '../../faults/trial.ts'
import { isFull } from '../system/scale.ts'

const seed = Number(process.env.SEED ?? Date.now() % 1e6)
const say = (line: string) => t.comment(line)

t.setTimeout(7_000_000)

for (const fault of catalogue) {
  if (!isFull && fault.rounds.short === 0) continue
  t.test(`after ${fault.name}, ${fault.says}, nothing is lost`, async t => {
    const { result, rounds } = await tryFault({ fault, seed, isFull, open: openFresh, isOwn: true, say })
    if ('leftOut' in result) {
      t.pass(`${fault.name}`, { skip: result.leftOut })
      return
    }
    t.ok(result.findings.lookedAt().length > 0, 'invariants were looked at')
    t.equal(result.findings.isBroken(), false, describeFindings(result.findings))
    t.comment(
      `${fault.name}, ${rounds} rounds, seed ${seed}: ${result.figures.map(({ says }) => says).join('; ')}`,
    )
  })
}
