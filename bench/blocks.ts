import { combineRuns, type Load, type Run } from './load.ts'
import { playRounds, type Series } from './rounds.ts'
import { mean } from './spread.ts'

/**
 * How many blocks the pictures of a round are measured in: a machine changes its pace within seconds, and a worker keeps who gives it
 * second opinions for 10 s after the last one.
 */
const BLOCKS = 12
/**
 * How many blocks go through before, by turns as well: once a connection has ended that nobody used, half a minute after the warm-up,
 * engines compile anew what deals with connections.
 */
const SETTLING = 12

/** A load that is compared with others. */
export interface Rival {
  readonly name: string
  /** Starts it on a fresh system, and warms it up. */
  readonly open: () => Promise<Load>
}

/**
 * Starts all of them anew in each round, since each start compiles differently, another one first each time, since who is started first
 * may be slower for it (where there are more of them than rounds, those are spread over all); and puts so many pictures through each, in
 * blocks, by turns: what the machine does beside, it does to all of them.
 */
export async function playBlocks(
  rounds: number,
  pictures: number,
  rivals: readonly Rival[],
): Promise<Series<Run>[]> {
  const all = rivals.map(({ name }) => ({ name, turns: [] as Run[] }))
  const apart = Math.max(1, rivals.length / rounds)
  for (let round = 0; round < rounds; round += 1) {
    const first = Math.floor(round * apart) % rivals.length
    const runs = await playRound(pictures, [...rivals.slice(first), ...rivals.slice(0, first)])
    for (const { name, turns } of all) {
      const run = runs.get(name)
      if (run !== undefined) turns.push(run)
    }
  }
  return all
}

/** What became of each, by name. */
async function playRound(pictures: number, rivals: readonly Rival[]): Promise<Map<string, Run>> {
  if (pictures % BLOCKS > 0) throw new Error(`${pictures} pictures do not make ${BLOCKS} blocks`)
  const loads: Load[] = []
  try {
    const players = []
    for (const { name, open } of rivals) {
      const load = await open()
      loads.push(load)
      players.push({ name, turn: () => load.block(pictures / BLOCKS) })
    }
    const all = await playRounds(BLOCKS, players, SETTLING)
    for (const load of loads) await load.check()
    return new Map(all.map(({ name, turns }) => [name, together(turns)]))
  } finally {
    await Promise.all(loads.map(load => load.close()))
  }
}

/** Blocks of the same size as the one run that they make. */
function together(blocks: readonly Run[]): Run {
  return {
    tookMs: blocks.reduce((sum, { tookMs }) => sum + tookMs, 0),
    waitedMs: blocks.flatMap(({ waitedMs }) => waitedMs),
    cpu: combineRuns(blocks, mean),
  }
}
