/** A measurement, and the same simulated; pictures a second. */
export interface Check {
  readonly says: string
  readonly measured: number
  /** With what the first measurement of its kind says of CPU time: foretold, but for that one. */
  readonly foretold: number
  /** With the CPU time of its own measurement. */
  readonly simulated: number
}

/** What was simulated of a measurement against what was measured, and that against the same of the first. */
export function ratiosOf(check: Check, first: Check, how: 'foretold' | 'simulated') {
  const ratio = check[how] / check.measured
  return { ratio, againstFirst: ratio / (first[how] / first.measured) }
}

/**
 * How far what was simulated is off from what was measured, other than all of it is, at most: 1.25 where of one measurement a quarter
 * more is promised against the first, or where of the first a quarter more is than of one. Not a number where there is nothing to compare.
 */
export function deviationOf(checks: readonly Check[], how: 'foretold' | 'simulated'): number {
  const [first, ...others] = checks
  if (first === undefined || others.length === 0) return Number.NaN
  const offs = others.map(check => ratiosOf(check, first, how).againstFirst)
  return Math.max(...offs.map(off => Math.max(off, 1 / off)))
}
