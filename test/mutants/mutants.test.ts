import t from 'tap'
import { catalogue } from '../../faults/catalogue.ts'
import { allInvariants } from '../../faults/findings.ts'
import { isFull } from '../system/scale.ts'
import { mutants } from './mutants.ts'
import { faultOf } from './plant.ts'
import { tryMutant } from './trial.ts'

t.setTimeout(7_000_000)

t.test('there is a bug against each invariant, and each can still be planted', async t => {
  const against = new Set(mutants.map(({ invariant }) => invariant))
  t.same(
    allInvariants.filter(invariant => !against.has(invariant)),
    [],
  )
  for (const { name, edits, shownBy } of mutants) {
    for (const edit of edits) t.equal(faultOf(edit), undefined, name)
    t.ok(
      catalogue.some(({ name }) => name === shownBy.fault),
      `${shownBy.fault} is a fault`,
    )
  }
})

t.test('each bug is seen', { skip: isFull ? false : 'takes long: --all' }, async t => {
  for (const mutant of mutants) {
    const { isRed, found } = await tryMutant(mutant, Date.now() % 1e6)
    t.ok(isRed, `${mutant.invariant}: ${mutant.name}: ${found}`)
  }
})
