import { createBasis } from './basis.ts'
import type { Check } from './check.ts'
import type { Costs } from './costs.ts'
import { costsBy, countsOf, type Kind, kindOf, type Measured } from './measured.ts'
import type { Role } from './process.ts'
import { type Outcome, type Scenario, simulate, type Use } from './simulate.ts'
import { type Counts, type Setting, tasksHeld } from './system.ts'

/** A service gives out where it is used by so much. */
const GIVES_OUT = 0.9
/** Doubled is what is used by so much: the database, which packs the fuller transactions the busier it is, looks busy first. */
const DOUBLED = 0.85
/** Ways are timed at this share of the most that goes through. */
const CALM = 0.7
/** Who uploads in the benches at the same time (bench/icons.ts, bench/photographs.ts). */
const LANES = 8
/** More who upload at once only wait longer: by Little some 50 to 150 pictures are under way where the database gives out. */
const MOST_LANES = 300
const workers = [1, 2, 4, 8, 16, 32, 64, 100]
/** More of these may be started; there is one database and one kv-store. */
const widening = ['frontend', 'storage'] as const

/** A photograph has five times as many steps. */
const PICTURES: Readonly<Record<Kind, number>> = { icons: 1_500, photographs: 300 }

/** A system with a machine for each process. */
export interface Point {
  readonly counts: Counts
  /** Pictures a second, at most. */
  readonly perSecond: number
  readonly used: Outcome['used']
  /** The service that is used most, and by how much. */
  readonly busiest: Role
  readonly use: Use
  /** False where workers hold as many tasks as they may, and all that they wait for has time left. */
  readonly givesOut: boolean
  /** The way of a picture where visitors come at 0.7 of that; not simulated for each. */
  readonly way?: { readonly p50Ms: number; readonly p99Ms: number }
}

export interface Growth {
  readonly kind: Kind
  /** More and more workers, one of each other service. */
  readonly narrow: readonly Point[]
  /** The most workers, and twice as many of what is used most, until it is the database that gives out. */
  readonly widened: readonly Point[]
  /** More and more workers, with as many of each other service as was found then. */
  readonly wide: readonly Point[]
}

export interface Report {
  readonly setting: Setting
  readonly checks: readonly Check[]
  /** Photographs as far as they were measured. */
  readonly growths: readonly Growth[]
}

export interface ScalingOptions {
  readonly seed: number | string
  /** How many are looked at in each system; 1,500 icons and 300 photographs unless said. */
  readonly pictures?: Readonly<Record<Kind, number>>
  /** Cores of the machine of the measurements, and of each machine that is simulated; 2 unless said. */
  readonly cores?: number
  /** Of a network round trip, in ms; 0.2 unless said: two machines beside each other. */
  readonly roundTripMs?: number
  /** CPU time of a transaction of the database, whatever is in it, in ms. */
  readonly transactionMs: number
  /** How long an fsync, and an fdatasync, waits for the disk, in ms. */
  readonly fsyncMs: number
  readonly fdatasyncMs: number
}

/** How the throughput grows with workers, and which service gives out first, by what was measured on one machine. */
export function simulateScaling(measured: readonly Measured[], options: ScalingOptions): Report {
  const { seed, pictures = PICTURES, cores = 2, roundTripMs = 0.2 } = options
  const { transactionMs, fsyncMs, fdatasyncMs } = options
  const setting: Setting = { is: 'a machine each', cores, roundTripMs, fsyncMs, fdatasyncMs }
  const firstOf = (wanted: Kind) => measured.find(row => kindOf(row) === wanted)
  const icons = firstOf('icons')
  if (icons === undefined) throw new Error('nothing was measured with icons')
  const kinds = [icons, firstOf('photographs')].filter(row => row !== undefined)
  const shareIn = (row: Measured, costs: Costs) => repeat(row, costs).shared
  const basisOf = createBasis({ icons, transactionMs, shareIn })
  const costsFrom = (row: Measured) => costsBy(row, icons, basisOf(row))
  const firsts = new Map(kinds.map(row => [row, costsFrom(row)]))
  return {
    setting,
    checks: measured.map(row => check(row, firsts.get(firstOf(kindOf(row)) as Measured) as Costs)),
    growths: [...firsts].map(([row, costs]) => grow(kindOf(row), costs)),
  }

  /** A measurement simulated. */
  function repeat(row: Measured, costs: Costs): Outcome {
    return simulate({
      counts: countsOf(row),
      setting: { ...setting, is: 'one machine' },
      costs,
      load: row.isAlone ? { is: 'asking for theirs', lanes: 1 } : { is: 'as fast as they can', lanes: LANES },
      warmUp: 0,
      pictures: pictures[kindOf(row)],
      seed,
    })
  }

  /** @param first What steps cost by the first of its kind. */
  function check(row: Measured, first: Costs): Check {
    const foretold = repeat(row, first).perSecond
    const simulated = repeat(row, firsts.get(row) ?? costsFrom(row)).perSecond
    return { says: row.says, isAlone: row.isAlone ?? false, measured: row.rate, foretold, simulated }
  }

  function grow(kind: Kind, costs: Costs): Growth {
    const run = (counts: Counts, load: Scenario['load'], warmUp: number) =>
      simulate({ counts, setting, costs, load, warmUp, pictures: pictures[kind], seed })
    const points = new Map<string, Point>()
    /** Each system once: where one growth ends the next begins. */
    const most = (counts: Counts): Point => {
      const name = JSON.stringify(counts)
      const point = points.get(name) ?? measure(counts)
      points.set(name, point)
      return point
    }
    const measure = (counts: Counts): Point => {
      // Enough for all tasks that workers may hold, a quarter as many on their way there, and some.
      const lanes = Math.min(Math.round(1.25 * tasksHeld(setting) * counts.worker) + 16, MOST_LANES)
      return asPoint(counts, run(counts, { is: 'waiting for theirs', lanes }, lanes))
    }
    const timed = (point: Point): Point => {
      const load = { is: 'at a rate', perSecond: CALM * point.perSecond } as const
      // All workers ask at the same moment in the beginning, which holds up whoever uploads then.
      const { p50Ms, p99Ms } = run(point.counts, load, 100 + tasksHeld(setting) * point.counts.worker)
      return { ...point, way: { p50Ms, p99Ms } }
    }
    const narrow = workers.map(worker => timed(most({ frontend: 1, storage: 1, worker })))
    const widened = widen((narrow.at(-1) as Point).counts, most)
    const { counts } = widened.at(-1) as Point
    return { kind, narrow, widened, wide: workers.map(worker => timed(most({ ...counts, worker }))) }
  }
}

/** Doubles what is used most, until all of which there can be more has time left. */
function widen(from: Counts, most: (counts: Counts) => Point): Point[] {
  const points = [most(from)]
  for (;;) {
    const { counts, used } = points.at(-1) as Point
    const role = widening.reduce((most, one) => (used[one].share > used[most].share ? one : most))
    if (used[role].share < DOUBLED) return points
    points.push(most({ ...counts, [role]: 2 * counts[role] }))
  }
}

function asPoint(counts: Counts, { perSecond, used }: Outcome): Point {
  const all = Object.entries(used) as [Role, Use][]
  const services = all.filter(([role]) => role !== 'client')
  const [busiest, use] = services.reduce((most, one) => (one[1].share > most[1].share ? one : most))
  return { counts, perSecond, used, busiest, use, givesOut: use.share >= GIVES_OUT }
}
