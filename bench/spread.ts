import { percentile } from '../faults/percentile.ts'

/** The middle one, of two the larger; NaN of none. */
export const median = (values: readonly number[]) => percentile(values, 0.5)

/** The median with the least and the most, as it stands in a table. */
export function describeSpread(values: readonly number[], digits = 2): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)]
  if (values.length === 0) return ''
  return `${middle.toFixed(digits)} (${least.toFixed(digits)} to ${most.toFixed(digits)})`
}

/** A figure of one against that of the other, round by round; of rounds that only one of them has there is none. */
export function ratios(one: readonly number[], other: readonly number[]): number[] {
  return one.map((value, round) => value / (other[round] ?? Number.NaN)).filter(Number.isFinite)
}
