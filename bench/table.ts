import { median, ratios, type Standing } from './race.ts'

/** A table in Markdown. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`)
  console.log(`\n${lines.join('\n')}\n`)
}

/** What everyone cost against `base`, and made of the size. */
export function printStandings(standings: readonly Standing[], base: Standing | undefined): void {
  const rows = standings.map(standing => {
    const { name, size, wrong } = standing
    if (wrong > 0) return [name, `wrong (${wrong} pictures)`, '']
    return [name, spread(ratios(standing, base)), Number.isNaN(size) ? '' : size.toFixed(3)]
  })
  printTable(['', `CPU against ${base?.name} (least to most)`, 'size against the upload'], rows)
}

/** A figure beside what it should be at most. */
export function printGoal(what: string, found: number, most: number): void {
  const verdict = Number.isNaN(found) ? 'not measured' : found <= most ? 'reached' : 'NOT reached'
  console.log(`- ${what}: ${found.toFixed(3)}, at most ${most.toFixed(3)} wanted: ${verdict}`)
}

/** The median of values in order, with the least and the most. */
export function spread(sorted: readonly number[]): string {
  const [least = Number.NaN, most = Number.NaN] = [sorted[0], sorted.at(-1)]
  return `${median(sorted).toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`
}
