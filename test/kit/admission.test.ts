import t from 'tap'
import { createAdmission } from '../../kit/admission.ts'
import type { ServiceError } from '../../kit/errors.ts'

/** An admission on a clock that stands still until it is moved. */
function open(most: number) {
  let now = 1_000
  const admission = createAdmission({ most, message: 'full', clock: () => now })
  const refusal = (units: number) => {
    try {
      admission.enter(units)
    } catch (error) {
      return error as ServiceError
    }
    throw new Error('it was let in')
  }
  return {
    ...admission,
    refusal,
    pass: (ms: number) => {
      now += ms
    },
  }
}

t.test('what fits is let in, what does not is refused until somebody leaves', async t => {
  const { enter, refusal, underWay } = open(10)
  const leave = enter(6)
  enter(4)
  t.match(refusal(1), { code: 'unavailable', message: 'full' })
  leave()
  t.equal(underWay(), 4)
  enter(6)
  t.equal(underWay(), 10)
})

t.test('who leaves twice has left once', async t => {
  const { enter, underWay } = open(10)
  enter(3)
  const leave = enter(6)
  leave()
  leave()
  t.equal(underWay(), 3)
})

t.test('what is larger than all there may be is let in alone', async t => {
  const { enter, refusal } = open(10)
  const leave = enter(50)
  t.match(refusal(1), { code: 'unavailable' })
  leave()
  enter(1)
  t.match(refusal(50), { code: 'unavailable' })
})

t.test('the time to come back follows from what waits and how fast it goes', async t => {
  const secondsAt = (unitsASecond: number) => {
    const { enter, refusal, pass } = open(1_000)
    enter(1_000 - unitsASecond)
    for (let second = 0; second < 60; second += 1) {
      const leave = enter(unitsASecond)
      pass(1_000)
      leave()
    }
    enter(unitsASecond)
    return refusal(200).retryAfterSeconds ?? 0
  }
  const [fast, slow] = [secondsAt(100), secondsAt(10)]
  t.ok(fast >= 2 && fast <= 3, `${fast} s for 200 units at 100 a second`)
  t.ok(slow >= 15 && slow <= 25, `${slow} s for 200 units at 10 a second`)
})

t.test('those who are refused together are not asked to come back together', async t => {
  const { enter, refusal, pass } = open(100)
  for (let second = 0; second < 60; second += 1) {
    const leave = enter(10)
    pass(1_000)
    leave()
  }
  enter(100)
  const seconds = Array.from({ length: 30 }, () => refusal(10).retryAfterSeconds ?? 0)
  t.same(
    seconds,
    [...seconds].sort((a, b) => a - b),
  )
  t.ok(new Set(seconds).size > 20, `${seconds}`)
  pass(40_000)
  t.ok((refusal(10).retryAfterSeconds ?? 0) <= 60)
})

t.test('where nothing has ended yet the estimate is within a minute, and never 0', async t => {
  const { enter, refusal } = open(100)
  enter(100)
  for (let i = 0; i < 500; i += 1) {
    const { retryAfterSeconds = 0 } = refusal(1)
    if (retryAfterSeconds < 1 || retryAfterSeconds > 60) t.fail(`${retryAfterSeconds} s`)
  }
})
