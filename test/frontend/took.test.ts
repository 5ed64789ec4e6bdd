import t from 'tap'
import { tookOf } from '../../frontend/story.ts'
import { formatTook, formatWhole } from '../../frontend/took.ts'

const task = { id: 1, state: 2 }

t.test('the way of a task is its wait and the steps that were told', async t => {
  t.same(tookOf({ ...task, ageMs: 2_100.4, takenMs: 99.9, stepsMs: [12, 31, 4] }), {
    waitMs: 2_001,
    fetchMs: 12,
    swapMs: 31,
    storeMs: 4,
  })
  t.match(tookOf({ ...task, ageMs: 50, takenMs: 20, stepsMs: [12] }), { waitMs: 30, fetchMs: 12 })
  t.match(tookOf({ ...task, ageMs: 50, takenMs: 20 }), { waitMs: 30, fetchMs: undefined })
})

t.test('nothing is said of one that nobody ever had, or of which an original database tells', async t => {
  t.equal(tookOf({ ...task, ageMs: 50 }), undefined)
  t.equal(tookOf(task), undefined)
})

t.test('clocks that are read one after the other make no wait shorter than none', async t => {
  t.equal(tookOf({ ...task, ageMs: 50, takenMs: 50.2 })?.waitMs, 0)
})

t.test('it is said in words as far as it came', async t => {
  t.equal(
    formatTook({ waitMs: 2_001, fetchMs: 12, swapMs: 31_000, storeMs: 0 }),
    'waited 2.0 s, fetched in 12 ms, swapped in 31 s, stored in 0 ms',
  )
  t.equal(formatWhole({ waitMs: 2_001, fetchMs: 12, swapMs: 31_000 }), '33 s')
  t.equal(formatWhole({ waitMs: 5 }), '5 ms')
  t.equal(formatTook({ waitMs: 5, fetchMs: 12 }), 'waited 5 ms, fetched in 12 ms')
})
