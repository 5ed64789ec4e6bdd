import t from 'tap'
import { takeSteps } from '../../master/pace.ts'

const never = new AbortController().signal

async function* numbers(count: number) {
  for (let number = 0; number < count; number++) yield number
}

t.test('every step is taken once, some at the same time but not all', async t => {
  const taken: number[] = []
  let running = 0
  let most = 0
  const step = async (number: number) => {
    running += 1
    most = Math.max(most, running)
    await new Promise(setImmediate)
    running -= 1
    taken.push(number)
  }
  await takeSteps(numbers(100), step, never)
  t.same(
    taken.sort((a, b) => a - b),
    Array.from({ length: 100 }, (_, number) => number),
  )
  t.ok(most > 1 && most < 50, `${most} at once`)
})

t.test('between steps there is a rest as long as they took', async t => {
  let worked = 0
  const began = performance.now()
  const step = async () => {
    const from = performance.now()
    while (performance.now() - from < 5) await new Promise(setImmediate)
    worked += 5
  }
  await takeSteps(numbers(1), step, never)
  t.ok(performance.now() - began >= 2 * worked - 1)
})

t.test('what a step rejects with ends it, an abort does so without an error', async t => {
  let steps = 0
  const fail = async () => {
    steps += 1
    throw new Error('no more')
  }
  await t.rejects(takeSteps(numbers(1_000), fail, never), /no more/)
  t.ok(steps < 50)
  const stop = new AbortController()
  let later = 0
  const end = async () => {
    later += 1
    stop.abort()
  }
  await takeSteps(numbers(1_000), end, stop.signal)
  t.ok(later < 50)
})
