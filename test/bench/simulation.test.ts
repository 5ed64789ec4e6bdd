import t from 'tap'
import { costsOfIcon, costsOfPhotograph, parts, steps, threadShares } from '../../bench/simulation/costs.ts'
import { createDurations } from '../../bench/simulation/durations.ts'
import { createEvents } from '../../bench/simulation/events.ts'
import { createMachine } from '../../bench/simulation/machine.ts'
import type { Measured } from '../../bench/simulation/measured.ts'
import { simulateScaling } from '../../bench/simulation/scaling.ts'
import { type Scenario, simulate } from '../../bench/simulation/simulate.ts'
import { createStation } from '../../bench/simulation/station.ts'
import { shareRuns } from '../../bench/simulation/storage.ts'
import type { Setting } from '../../bench/simulation/system.ts'
import { tablesOf } from '../../bench/simulation/tables.ts'

const icon = { client: 0.3, frontend: 1.2, storage: 1.7, database: 1, worker: 0.9 }
const photograph = { client: 1.5, frontend: 4.8, storage: 6, database: 1.1, worker: 24 }
const together: Setting = { is: 'one machine', cores: 2, roundTripMs: 0.2, fsyncMs: 0.16 }
const apart: Setting = { ...together, is: 'a machine each' }
const one = { frontend: 1, storage: 1, worker: 1 }
const calm: Scenario = {
  counts: one,
  setting: apart,
  costs: costsOfIcon(icon),
  load: { is: 'at a rate', perSecond: 300 },
  warmUp: 300,
  pictures: 3_000,
  seed: 1,
}

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

const isAbout = (found: number, expected: number, share: number) =>
  Math.abs(found - expected) <= share * Math.abs(expected)

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

t.test('all who wait while an fsync runs share the next', async t => {
  const events = createEvents()
  let runs = 0
  const sync = shareRuns(ended => {
    runs += 1
    events.after(1, ended)
  })
  const ends: number[] = []
  for (let at = 0; at < 10; at += 1) events.after(at / 20, () => sync(() => ends.push(events.now())))
  events.run(() => false)
  t.equal(runs, 2)
  t.same(ends, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2])
})

t.test('the shares of each service make one, and a calm picture costs what was measured', async t => {
  for (const [name, group] of Object.entries(steps)) {
    const sum = Object.values(group).reduce((total, { each, times }) => total + each * times, 0)
    t.ok(isAbout(sum, 1, 1e-9), `${name}: ${sum}`)
  }
  for (const part of parts) {
    const { loop, files, beside } = threadShares[part]
    t.ok(isAbout(loop + files + beside, 1, 1e-9), part)
  }
  // With a backlog, so that each task comes with the end of the one before.
  const load = { is: 'as fast as they can', lanes: 64 } as const
  const { perSecond, cores } = simulate({ ...calm, setting: together, load, warmUp: 0 })
  const allMs = Object.values(icon).reduce((sum, ms) => sum + ms, 0)
  t.ok(isAbout((cores * 2 * 1_000) / perSecond, allMs, 0.06), `${(cores * 2_000) / perSecond} of ${allMs} ms`)
})

t.test('what comes at a rate leaves at it, and is used by the utilisation law', async t => {
  const { perSecond, used } = simulate(calm)
  t.ok(isAbout(perSecond, 300, 0.06), `${perSecond}`)
  const expected = (300 / 1_000) * icon.frontend * threadShares.frontend.loop
  t.ok(isAbout(used.frontend.share, expected, 0.08), `${used.frontend.share}, ${expected}`)
})

t.test('those who wait for theirs are as many as rate times way, by Little', async t => {
  const { perSecond, meanMs } = simulate({ ...calm, load: { is: 'waiting for theirs', lanes: 40 } })
  t.ok(isAbout((perSecond * meanMs) / 1_000, 40, 0.03), `${(perSecond * meanMs) / 1_000} of 40`)
})

t.test('the same seed gives the same figures, another one others that are about the same', async t => {
  const first = simulate({ ...calm, pictures: 500 })
  t.same(simulate({ ...calm, pictures: 500 }), first)
  const other = simulate({ ...calm, pictures: 500, seed: 2 })
  t.not(other.p50Ms, first.p50Ms)
  t.ok(isAbout(other.p50Ms, first.p50Ms, 0.1))
})

t.test(
  'one more worker helps as long as workers are what there is too little of, and never harms',
  async t => {
    const rateOf = (worker: number) =>
      simulate({
        ...calm,
        costs: costsOfPhotograph(photograph, icon),
        counts: { frontend: 8, storage: 8, worker },
        load: { is: 'waiting for theirs', lanes: 60 },
        warmUp: 60,
        pictures: 400,
      }).perSecond
    const rates = [1, 2, 3, 4, 5].map(rateOf)
    for (const [at, rate] of rates.entries()) {
      t.ok(rate > 0.97 * (rates[at - 1] ?? 0), rates.map(Math.round).join(', '))
      t.ok(isAbout(rate, (at + 1) * (rates[0] ?? 0), 0.1), 'each does as much as the first')
    }
  },
)

t.test('a database that has much to do packs it into few transactions', async t => {
  const load = { is: 'waiting for theirs', lanes: 200 } as const
  const wide = { ...calm, counts: { frontend: 8, storage: 8, worker: 16 }, load, warmUp: 200 }
  t.ok(simulate(calm).operationsATurn < 2)
  t.ok(simulate(wide).operationsATurn > 8)
})

const measured: Measured[] = [
  { says: 'icons', rate: 250, cpuMs: icon },
  { says: 'two workers', counts: { worker: 2 }, rate: 250, cpuMs: { ...icon, worker: 0.5, 'worker-2': 0.4 } },
]

t.test('a report has the checks, and says of each system what gives out', async t => {
  const report = simulateScaling(measured, { seed: 1, pictures: { icons: 300, photographs: 60 } })
  t.same(
    report.checks.map(({ says }) => says),
    ['icons', 'two workers'],
  )
  const [first, second] = report.checks
  t.equal(first?.foretold, first?.simulated)
  t.equal(second?.foretold, second?.simulated, 'two workers that take as much together as one')
  t.equal(report.growths.length, 1, 'no photographs where none were measured')
  const { narrow = [], widened = [], wide = [] } = report.growths[0] ?? {}
  t.same(
    narrow.map(({ counts }) => counts.worker),
    [1, 2, 4, 8, 16, 32, 64, 100],
  )
  for (const { busiest, use, used, givesOut } of [...narrow, ...widened, ...wide]) {
    const shares = Object.entries(used).map(([role, { share }]) => (role === 'client' ? 0 : share))
    t.equal(use.share, Math.max(...shares), busiest)
    t.equal(givesOut, use.share >= 0.9)
    t.ok(shares.every(share => share <= 1.01))
  }
  t.equal(widened.at(-1)?.busiest, 'database', 'of which there is one')
  t.ok((widened.at(-1)?.perSecond ?? 0) > 1.1 * (widened[0]?.perSecond ?? 0))
  const [few, all] = [narrow[4], narrow.at(-1)].map(point => point?.way?.p50Ms ?? Number.NaN)
  t.ok(
    (all ?? 0) < 1.3 * (few ?? 0),
    `ways are not timed while all workers ask at once: ${few} and ${all} ms`,
  )
  for (const { head, rows } of tablesOf(report)) for (const row of rows) t.equal(row.length, head.length)
})
