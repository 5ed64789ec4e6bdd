import { describeSpread, ratios } from './spread.ts'

/** One who takes a turn in every round. */
export interface Player<T> {
  readonly name: string
  readonly turn: () => Promise<T>
}

/** What the turns of one came to, round by round. */
export interface Series<T> {
  readonly name: string
  readonly turns: readonly T[]
}

/**
 * All take turns, each round beginning with another: what a machine does beside, it does to all of them. One round before
 * the first only warms up; none where each turn warms up by itself.
 */
export async function playRounds<T>(
  rounds: number,
  players: readonly Player<T>[],
  warmUps = 1,
): Promise<Series<T>[]> {
  const all = players.map(({ name, turn }) => ({ name, turn, turns: [] as T[] }))
  for (let round = -warmUps; round < rounds; round += 1) {
    const first = (round + warmUps) % all.length
    for (const { turn, turns } of [...all.slice(first), ...all.slice(0, first)]) {
      const result = await turn()
      if (round >= 0) turns.push(result)
    }
  }
  return all
}

/** A figure against the other's in the same round, as it stands in a table; nothing without the other. */
export function compare<T>(
  one: Series<T>,
  other: Series<T> | undefined,
  figure: (turn: T) => number,
): string {
  if (other === undefined) return ''
  return describeSpread(ratios(one.turns.map(figure), other.turns.map(figure)))
}
