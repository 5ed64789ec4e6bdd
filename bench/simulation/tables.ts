import { type Check, ratiosOf } from './check.ts'
import type { Role } from './process.ts'
import type { Point, Report } from './scaling.ts'

/** A table as a bench prints it. */
export interface Table {
  readonly says: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const shown: readonly Role[] = ['worker', 'frontend', 'storage', 'database', 'kv-store']

/** What a report says, for people. */
export function tablesOf({ checks, growths, setting }: Report): Table[] {
  const each = `each process on a machine of its own, ${setting.cores} cores, ${setting.roundTripMs} ms round trip`
  return [
    {
      says: `simulated and measured, on one machine with ${setting.cores} cores`,
      head: [
        '',
        'measured a second',
        'foretold by the first',
        'ratio',
        'against the first',
        'by its own CPU',
        'against the first',
      ],
      rows: checks.map(check => {
        const ratios = (['foretold', 'simulated'] as const).map(how =>
          ratiosOf(check, checks[0] as Check, how),
        )
        const shown = ratios.flatMap(({ ratio, againstFirst }) => [ratio, againstFirst])
        const rates = [check.measured, check.foretold].map(rate => rate.toFixed(0))
        return [check.says, ...rates, ...shown.map(ratio => ratio.toFixed(2))]
      }),
    },
    ...growths.flatMap(({ kind, narrow, widened, wide }) => [
      { says: `${kind}, ${each}, one of each other service`, head, rows: narrow.map(rowOf) },
      {
        says: `${kind}, twice as many of what is used most, again and again`,
        head,
        rows: widened.map(rowOf),
      },
      { says: `${kind}, as many of each as was found so`, head, rows: wide.map(rowOf) },
    ]),
  ]
}

const head = [
  'workers',
  'frontends, storages',
  'a second',
  'p50, p99 ms at 0.7 of that',
  `used: ${shown.join(', ')}`,
  'gives out',
]

function rowOf({ counts, perSecond, way, used, busiest, use, givesOut }: Point): string[] {
  return [
    String(counts.worker),
    `${counts.frontend}, ${counts.storage}`,
    perSecond.toFixed(0),
    way === undefined ? '' : `${way.p50Ms.toFixed(1)}, ${way.p99Ms.toFixed(1)}`,
    shown.map(role => used[role].share.toFixed(2)).join(', '),
    givesOut ? `${busiest} (${use.what})` : 'nothing: each worker holds all it may',
  ]
}
