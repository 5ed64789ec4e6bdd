import t from 'tap'
import { LEAST_BYTES_PER_SECOND, paceOf } from '../../kit/limits.ts'
import { createPacer, LOOKS } from '../../kit/pace.ts'

const pace = { windowMs: 1_000, leastBytes: 100 }
const times = <T>(count: number, look: () => T) => Array.from({ length: count }, look)

t.test('who is given some time has to manage so much a second in it', async t => {
  t.same(paceOf(20_000), { windowMs: 20_000, leastBytes: 20 * LEAST_BYTES_PER_SECOND })
  t.same(paceOf(500), { windowMs: 500, leastBytes: LEAST_BYTES_PER_SECOND / 2 })
})

t.test('who moves too little is judged after a whole window, not before', async t => {
  const { isTooSlow } = createPacer(pace)
  t.same(
    times(LOOKS, () => isTooSlow(true, 1)),
    [...Array(LOOKS - 1).fill(false), true],
  )
})

t.test('who keeps the pace is never too slow, and is as soon as he does not', async t => {
  const { isTooSlow } = createPacer(pace)
  t.notOk(times(100, () => isTooSlow(true, 100 / LOOKS)).includes(true))
  t.ok(isTooSlow(true, 0))
})

t.test('a burst counts for a window, and silence after it is found out when that is over', async t => {
  const { isTooSlow } = createPacer(pace)
  isTooSlow(true, 1_000_000)
  t.same(
    times(LOOKS, () => isTooSlow(true, 0)),
    [...Array(LOOKS - 1).fill(false), true],
  )
})

t.test('time in which nobody waited for it does not count, what it moved then does', async t => {
  const { isTooSlow } = createPacer(pace)
  times(LOOKS - 1, () => isTooSlow(true, 0))
  t.notOk(times(100, () => isTooSlow(false, 1)).includes(true))
  t.notOk(isTooSlow(true, 0))
  const other = createPacer(pace)
  times(LOOKS - 1, () => other.isTooSlow(true, 0))
  times(100, () => other.isTooSlow(false, 0))
  t.ok(other.isTooSlow(true, 0))
})

t.test('after a reset a new window begins', async t => {
  const { isTooSlow, reset } = createPacer(pace)
  times(LOOKS - 1, () => isTooSlow(true, 0))
  reset()
  t.notOk(isTooSlow(true, 0))
})
