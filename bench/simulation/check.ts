/** A measurement, and the same simulated; pictures a second. */
export interface Check {
  readonly says: string
  /** Of one who waits, not of cores that are never idle. */
  readonly isAlone: boolean
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
 * By how much the ratio of simulated to measured differs most from that of the first check, the greater divided by the smaller: 1 where all are
 * too high, or too low, by as much. Not a number where there is nothing to compare.
 */
export function deviationOf(checks: readonly Check[], how: 'foretold' | 'simulated'): number {
  const [first, ...others] = checks
  if (first === undefined || others.length === 0) return Number.NaN
  const offs = others.map(check => ratiosOf(check, first, how).againstFirst)
  return Math.max(...offs.map(off => Math.max(off, 1 / off)))
}
