import t from 'tap'
import { type Basis, type Cpu, costsOfIcon, costsOfPhotograph } from '../../bench/simulation/costs.ts'
import type { Measured } from '../../bench/simulation/measured.ts'
import { simulateScaling } from '../../bench/simulation/scaling.ts'
import { type Scenario, simulate } from '../../bench/simulation/simulate.ts'
import type { Setting } from '../../bench/simulation/system.ts'
import { tablesOf } from '../../bench/simulation/tables.ts'
import { alone, icon, isAbout, photograph, time } from './simulation/measured.ts'

const together: Setting = {
  is: 'one machine',
  cores: 2,
  roundTripMs: 0.2,
  fsyncMs: 0.16,
  fdatasyncMs: 0.12,
}
const apart: Setting = { ...together, is: 'a machine each' }
const one = { frontend: 1, storage: 1, worker: 1 }
const calm: Scenario = {
  counts: one,
  setting: apart,
  costs: costsOfIcon(icon, alone),
  load: { is: 'at a rate', perSecond: 300 },
  warmUp: 300,
  pictures: 3_000,
  seed: 1,
}

t.test('a picture takes the CPU time that was measured, under a load like that', async t => {
  // With a backlog, so that each task comes with the end of the one before.
  const load = { is: 'as fast as they can', lanes: 64 } as const
  const allMs = (cpu: Cpu) => Object.values(cpu).reduce((sum, { all }) => sum + all, 0)
  const cases = [
    { cpu: icon, pictures: 3_000, by: (basis: Basis) => costsOfIcon(icon, basis) },
    { cpu: photograph, pictures: 300, by: (basis: Basis) => costsOfPhotograph(photograph, icon, basis) },
  ]
  for (const { cpu, pictures, by } of cases) {
    const put = (basis: Basis) =>
      simulate({ ...calm, pictures, costs: by(basis), setting: together, load, warmUp: 0 })
    const { perSecond, cores } = put({ ...alone, shared: put(alone).shared })
    const tookMs = (cores * 2 * 1_000) / perSecond
    t.ok(isAbout(tookMs, allMs(cpu), 0.04), `${tookMs} of ${allMs(cpu)} ms`)
  }
})

t.test('what comes at a rate leaves at it, and is used by the utilisation law', async t => {
  const { perSecond, used } = simulate(calm)
  t.ok(isAbout(perSecond, 300, 0.06), `${perSecond}`)
  const expected = (300 / 1_000) * icon.frontend.loop
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
        costs: costsOfPhotograph(photograph, icon, alone),
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

t.test('a database, and a log, that have much to do do it in few transactions and batches', async t => {
  const load = { is: 'waiting for theirs', lanes: 200 } as const
  const wide = { ...calm, counts: { frontend: 8, storage: 8, worker: 16 }, load, warmUp: 200 }
  const [few, many] = [simulate(calm).shared, simulate(wide).shared]
  t.ok(few.operations < 2, `${few.operations}`)
  t.ok(many.operations > 8, `${many.operations}`)
  t.ok(few.images < 1.5, `${few.images}`)
  const { images } = simulate({ ...wide, counts: { ...wide.counts, storage: 1 } }).shared
  t.ok(images > 4, `${images}`)
})

t.test('who waits for a picture waits for two fsyncs and two fdatasyncs, one after the other', async t => {
  const load = { is: 'asking for theirs', lanes: 1 } as const
  const msOf = (slower: Partial<Setting>) =>
    1_000 / simulate({ ...calm, setting: { ...together, ...slower }, load, warmUp: 10 }).perSecond
  const ms = msOf({})
  for (const slower of [{ fsyncMs: 5.16 }, { fdatasyncMs: 5.12 }]) {
    const more = msOf(slower) - ms
    t.ok(isAbout(more, 2 * 5, 0.05), `${more} of 10 ms more: ${JSON.stringify(slower)}`)
  }
  const unasked = simulate({ ...calm, setting: together, load: { ...load, is: 'waiting for theirs' } })
  t.ok(ms > 1.05 * (1_000 / unasked.perSecond), 'and for the answer')
})

const measured: Measured[] = [
  { says: 'icons', rate: 250, cpu: icon },
  {
    says: 'two workers',
    counts: { worker: 2 },
    rate: 250,
    cpu: { ...icon, worker: time(0.5, 0.45), 'worker-2': time(0.4, 0.35) },
  },
  { says: 'one who waits', isAlone: true, rate: 150, cpu: icon },
]

t.test('a report has the checks, and says of each system what gives out', async t => {
  const report = simulateScaling(measured, {
    ...together,
    seed: 1,
    pictures: { icons: 300, photographs: 60 },
    transactionMs: 0.2,
  })
  t.same(
    report.checks.map(({ says }) => says),
    ['icons', 'two workers', 'one who waits'],
  )
  const [first, second, third] = report.checks
  t.ok((third?.simulated ?? 0) < 0.8 * (first?.simulated ?? 0), 'one alone does not keep two cores busy')
  t.ok(
    (third?.foretold ?? 0) < 0.9 * (third?.simulated ?? 0),
    'and what asking costs was not in what the first took',
  )
  t.same(
    report.checks.map(({ isAlone }) => isAlone),
    [false, false, true],
  )
  t.equal(first?.foretold, first?.simulated)
  t.ok(
    isAbout(second?.foretold ?? 0, second?.simulated ?? 0, 0.01),
    'two workers that take as much together as one',
  )
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

t.test('photographs are checked beside icons, and with one of each their workers give out', async t => {
  const pixels = { ...photograph, worker: time(12, 1, 10.5), 'worker-2': time(12, 1, 10.5) }
  const report = simulateScaling(
    [
      ...measured.slice(0, 1),
      { says: 'photographs', kind: 'photographs', rate: 50, cpu: photograph },
      { says: 'two workers', kind: 'photographs', counts: { worker: 2 }, rate: 50, cpu: pixels },
    ],
    { ...together, seed: 1, pictures: { icons: 60, photographs: 60 }, transactionMs: 0.2 },
  )
  const [, first, second] = report.checks
  t.equal(first?.foretold, first?.simulated, 'the first of its kind')
  t.ok(isAbout(second?.foretold ?? 0, second?.simulated ?? 0, 0.05))
  t.same(
    report.growths.map(({ kind }) => kind),
    ['icons', 'photographs'],
  )
  const { narrow = [], wide = [] } = report.growths[1] ?? {}
  const [alone, eight] = [narrow[0], narrow[3]]
  t.equal(alone?.busiest, 'worker')
  t.equal(wide[0]?.use.what, 'cores', 'for which its loop waits as well')
  t.not(eight?.busiest, 'worker')
})
