import t from 'tap'
import { tookOf } from '../../frontend/story.ts'
import { formatMs, formatTook } from '../../frontend/took.ts'

const task = { id: 1, state: 2 }

t.test('the way of a task is its wait and the steps that were told', async t => {
  t.same(tookOf({ ...task, ageMs: 2_100.4, takenMs: 99.9, endedMs: 50, stepsMs: [12, 31, 4] }), {
    wholeMs: 2_050,
    waitMs: 2_001,
    fetchMs: 12,
    swapMs: 31,
    storeMs: 4,
  })
  t.match(tookOf({ ...task, ageMs: 50, takenMs: 20, endedMs: 0, stepsMs: [12] }), { waitMs: 30, fetchMs: 12 })
  const untold = tookOf({ ...task, ageMs: 50, takenMs: 20, endedMs: 5 })
  t.match(untold, { wholeMs: 45, waitMs: 30, fetchMs: undefined })
})

t.test('nothing is said of one that nobody had, or of which an original database tells', async t => {
  t.equal(tookOf({ ...task, ageMs: 50, endedMs: 20 }), undefined)
  t.equal(tookOf(task), undefined)
})

t.test('clocks that are read one after the other make no time shorter than none', async t => {
  t.match(tookOf({ ...task, ageMs: 50, takenMs: 50.2, endedMs: 50.3 }), { wholeMs: 0, waitMs: 0 })
})

t.test('it is said in words as far as it came', async t => {
  const whole = { wholeMs: 40_000, waitMs: 2_001, fetchMs: 12, swapMs: 31_000, storeMs: 0 }
  t.equal(formatTook(whole), 'waited 2.0 s, fetched in 12 ms, swapped in 31 s, stored in 0 ms')
  t.equal(formatTook({ wholeMs: 20, waitMs: 5, fetchMs: 12 }), 'waited 5 ms, fetched in 12 ms')
})

t.test('a time is said in the unit that fits', async t => {
  const said = [999, 1_000, 9_999, 119_999, 120_000, 7_199_999, 10_800_000].map(formatMs)
  t.same(said, ['999 ms', '1.0 s', '10.0 s', '120 s', '2 min', '119 min', '3 h'])
})
