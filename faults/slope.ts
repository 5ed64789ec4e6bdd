/** A value at a time, in the life of one process. */
export interface Sample {
  readonly life: string
  /** In hours, or in whatever else the slope is to be counted in. */
  readonly at: number
  readonly value: number
}

/** By how much values rise in one unit of `at`, with two standard errors of that. */
export interface Slope {
  readonly rise: number
  readonly spread: number
}

/** The line of least squares through all samples, each life with a height of its own. NaN of too few. */
export function slopeOf(samples: readonly Sample[]): Slope {
  const lives = new Map<string, Sample[]>()
  for (const sample of samples) lives.set(sample.life, [...(lives.get(sample.life) ?? []), sample])
  const centred = [...lives.values()].flatMap(life => {
    const [at, value] = [meanOf(life.map(({ at }) => at)), meanOf(life.map(({ value }) => value))]
    return life.map(sample => ({ at: sample.at - at, value: sample.value - value }))
  })
  const width = sumOf(centred.map(({ at }) => at * at))
  const rise = sumOf(centred.map(({ at, value }) => at * value)) / width
  const rest = sumOf(centred.map(({ at, value }) => (value - rise * at) ** 2))
  const freedom = centred.length - lives.size - 1
  return { rise, spread: freedom > 0 ? 2 * Math.sqrt(rest / freedom / width) : Number.NaN }
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
const meanOf = (values: readonly number[]) => sumOf(values) / values.length
