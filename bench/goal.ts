/** A figure beside what it should be: at most, or at least. */
export type Goal = {
  readonly says: string
  /** `a second`, `ms`; none of a ratio. */
  readonly unit?: string
  /** NaN, which is null in JSON, where it could not be measured. */
  readonly found: number | null
} & ({ readonly most: number } | { readonly least: number })

export function describeFound(goal: Goal): string {
  const { found, unit = '' } = goal
  if (found === null || Number.isNaN(found)) return ''
  const wanted = 'most' in goal ? goal.most : goal.least
  return `${found.toFixed(Math.abs(wanted) < 10 ? 3 : 1)} ${unit}`.trim()
}

export function describeWanted(goal: Goal): string {
  return 'most' in goal ? `at most ${goal.most}` : `at least ${goal.least}`
}

export function judge(goal: Goal): 'reached' | 'NOT reached' | 'not measured' {
  const { found } = goal
  if (found === null || Number.isNaN(found)) return 'not measured'
  const isReached = 'most' in goal ? found <= goal.most : found >= goal.least
  return isReached ? 'reached' : 'NOT reached'
}
