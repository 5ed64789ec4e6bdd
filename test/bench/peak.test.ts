import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { createPeak } from '../../bench/peak.ts'

t.test('the most is seen while the load runs, not only when it is over', async t => {
  let [looks, isOver] = [0, false]
  const peak = createPeak(() => {
    looks += 1
    return { worker: isOver ? 3 : 5 }
  })
  await peak.during(async () => {
    while (looks === 0) await delay(1)
    isOver = true
  })
  t.same(peak.each(), { worker: 5 })
})

t.test('the most of all is that of one moment, of each its own, over all loads', async t => {
  const found = [
    { storage: 1, worker: 9 },
    { storage: 7, worker: 2 },
  ]
  const peak = createPeak(() => found.shift() ?? {})
  for (let load = 0; load < 2; load += 1) await peak.during(async () => {})
  t.same(peak.each(), { storage: 7, worker: 9 })
  t.equal(peak.all(), 10)
})
