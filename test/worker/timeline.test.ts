import t from 'tap'
import { openTimeline } from '../../worker/timeline.ts'

t.test('each step is as long as it took, the present one so far', async t => {
  let now = 1_000
  const timeline = openTimeline(() => now)
  t.equal(timeline.step, 'fetching')
  t.equal(timeline.say(), undefined, 'it has not begun')
  now += 500
  timeline.enter('fetching')
  now += 12
  t.equal(timeline.say(), '12')
  timeline.enter('swapping')
  now += 30.6
  t.equal(timeline.step, 'swapping')
  t.equal(timeline.say(), '12.31')
  timeline.enter('storing')
  now += 4
  t.equal(timeline.step, 'storing')
  t.equal(timeline.say(), '12.31.4')
  timeline.end()
  now += 3_000
  t.equal(timeline.say(), '12.31.4', 'what comes behind is no step')
})

t.test('a step that is left out takes no time, and none is entered twice', async t => {
  let now = 0
  const timeline = openTimeline(() => now)
  timeline.enter('fetching')
  now += 7
  timeline.enter('storing')
  now += 2
  timeline.enter('storing')
  t.equal(timeline.say(), '7.0.2')
})
