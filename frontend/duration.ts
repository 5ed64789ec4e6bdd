const units = [
  ['days', 86_400_000],
  ['hours', 3_600_000],
  ['minutes', 60_000],
  ['seconds', 1_000],
] as const

/** A length of time in words, rounded down, in the largest unit of which there are two: `24 hours`, `7 days`. */
export function formatDuration(ms: number): string {
  const found = units.find(([, unitMs]) => ms >= 2 * unitMs)
  return found === undefined ? '1 second' : `${Math.floor(ms / found[1])} ${found[0]}`
}
