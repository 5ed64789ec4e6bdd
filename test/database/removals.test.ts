import t from 'tap'
import { createRemovals } from '../../database/engines/removals.ts'

t.test('what was removed is known as long as it is kept, and what was undone never was', async t => {
  const removals = createRemovals(5)
  removals.note(1, 6)
  t.same(removals.between(5, 9), [], 'not on disk yet')
  removals.rolledBack()
  removals.note(2, 6)
  removals.committed()
  t.same(removals.between(5, 9), [2])
  t.same(removals.between(6, 9), [])
  t.same(removals.between(5, 5), [])
  t.equal(removals.between(4, 9), undefined, 'before the start')
  for (let id = 0; id < 10_000; id += 1) removals.note(id, 10 + id)
  removals.committed()
  t.equal(removals.between(5, 1e6), undefined, 'forgotten')
  t.equal(removals.between(10 + 4_998, 1e6), undefined)
  t.equal(removals.between(10 + 4_999, 1e6)?.length, 5_000)
})
