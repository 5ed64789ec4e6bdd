import t from 'tap'
import { createDurations } from '../../../bench/simulation/durations.ts'
import { createEvents } from '../../../bench/simulation/events.ts'
import { createMachine } from '../../../bench/simulation/machine.ts'
import { createStation } from '../../../bench/simulation/station.ts'
import { isAbout } from './measured.ts'

/** Puts work into a station of so many threads, each coming so long after the one before; what became of it. */
function queue(threads: number, gapMs: () => number, workMs: () => number, many: number) {
  const events = createEvents()
  const station = createStation(events, createMachine(events, Number.POSITIVE_INFINITY), threads)
  let [ended, waitedMs, inside, insideMs, changedAt] = [0, 0, 0, 0, 0]
  const count = (by: number) => {
    insideMs += inside * (events.now() - changedAt)
    changedAt = events.now()
    inside += by
  }
  const come = () => {
    const at = events.now()
    count(1)
    station.work(workMs())(() => {
      count(-1)
      ended += 1
      waitedMs += events.now() - at
    })
    events.after(gapMs(), come)
  }
  come()
  events.run(() => ended === many)
  const tookMs = events.now()
  return {
    perMs: ended / tookMs,
    meanMs: waitedMs / ended,
    meanInside: insideMs / tookMs,
    used: station.busyMs() / tookMs / threads,
  }
}

t.test('what comes first happens first, and of two at once the one that was asked for first', async t => {
  const events = createEvents()
  const random = createDurations(7, 1)
  const times: number[] = []
  for (let i = 0; i < 1_000; i += 1) events.after(random.below(100), () => times.push(events.now()))
  const order: string[] = []
  for (const name of ['a', 'b', 'c']) events.after(200, () => order.push(name))
  events.run(() => false)
  t.equal(times.length, 1_000)
  t.same(
    times,
    [...times].sort((a, b) => a - b),
  )
  t.same(order, ['a', 'b', 'c'])
})

t.test('a queue with one thread waits as long as Pollaczek and Khinchine say', async t => {
  const random = createDurations('queue', 1)
  const load = 0.7
  const fixed = queue(
    1,
    () => random.drawGap(1 / load),
    () => 1,
    100_000,
  )
  t.ok(isAbout(fixed.meanMs, 1 + load / (2 * (1 - load)), 0.04), `M/D/1: ${fixed.meanMs}`)
  const varied = queue(
    1,
    () => random.drawGap(1 / load),
    () => random.draw(1),
    100_000,
  )
  t.ok(isAbout(varied.meanMs, 1 / (1 - load), 0.06), `M/M/1: ${varied.meanMs}`)
  for (const found of [fixed, varied]) {
    t.ok(isAbout(found.used, load, 0.02), `utilisation is rate times time: ${found.used}`)
    t.ok(isAbout(found.meanInside, found.perMs * found.meanMs, 0.01), 'Little: inside is rate times stay')
  }
})

t.test('a station of k threads does k things in the time of one, and no more', async t => {
  for (const threads of [1, 3, 8]) {
    const random = createDurations(threads, 4)
    const found = queue(
      threads,
      () => 0.5 / threads,
      () => random.draw(1),
      20_000,
    )
    t.ok(isAbout(found.perMs, threads, 0.02), `${threads}: ${found.perMs}`)
    t.ok(found.used > 0.99)
  }
})

t.test('threads that want to compute share the cores, and each ends once', async t => {
  const events = createEvents()
  const machine = createMachine(events, 2)
  const ends: number[] = []
  for (const ms of [10, 10, 10, 0.2]) machine.compute(ms)(() => ends.push(events.now()))
  events.run(() => false)
  t.equal(ends.length, 4)
  t.ok((ends[0] ?? 0) < 2.3, 'a short one does not wait for long ones to end')
  t.ok(isAbout(machine.computedMs(), 30.2, 1e-9))
  t.ok((ends[3] ?? 0) < 16.5)
})
