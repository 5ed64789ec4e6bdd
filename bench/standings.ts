import type { Output } from './output.ts'
import type { Standing } from './race.ts'
import { describeSpread, ratios } from './spread.ts'

/** What everyone cost against `base`, and made of the size. */
export function printStandings(
  output: Output,
  standings: readonly Standing[],
  base: Standing | undefined,
): void {
  const rows = standings.map(({ name, ms, size, wrong }) => {
    if (wrong > 0) return [name, `wrong (${wrong} pictures)`, '']
    return [name, describeSpread(ratios(ms, base?.ms ?? [])), Number.isNaN(size) ? '' : size.toFixed(3)]
  })
  output.table(['', `CPU against ${base?.name} (least to most)`, 'size against the upload'], rows)
}
