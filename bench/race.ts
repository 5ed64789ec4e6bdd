import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { exchangedPixels, shows } from './check.ts'
import type { Peer, Turn } from './peers.ts'
import type { Picture } from './pictures.ts'

/** What one peer came to. */
export interface Standing {
  readonly name: string
  /** CPU time of each round, in ms a picture. */
  readonly ms: readonly number[]
  /** Size of the result against the upload, mean over the pictures; NaN where there is no result. */
  readonly size: number
  /** Pictures whose result showed other pixels than it should; such a peer runs no rounds. */
  readonly wrong: number
}

export interface Rounds {
  readonly all: number
  /** Of those that are slow. */
  readonly slow: number
}

/** Longer than the engine sweeps after a collection, in ms. */
const SWEEP_MS = 20

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/**
 * Checks every result once; then all take turns, picture by picture. Each turn begins
 * with the garbage of the one before collected.
 */
export async function race(
  peers: readonly Peer[],
  pictures: readonly Picture[],
  rounds: Rounds,
): Promise<Standing[]> {
  const standings = peers.map(({ name }) => ({ name, ms: [] as number[], size: 0, wrong: 0 }))
  for (const picture of pictures) {
    const expected = await exchangedPixels(picture.bytes)
    for (const [at, standing] of standings.entries()) {
      const result = (await peers[at]?.swap(picture))?.result
      standing.size += (result?.length ?? Number.NaN) / picture.bytes.length / pictures.length
      if (result !== undefined && !(await shows(expected, result))) standing.wrong += 1
    }
  }
  // The first round only warms up: engines compile what is used much, at the cost of whoever runs then.
  for (let round = -1; round < rounds.all; round += 1) {
    const took = peers.map(() => 0)
    for (const picture of pictures) {
      for (const [at, peer] of peers.entries()) {
        if (
          round >= (peer.isSlow ? rounds.slow : rounds.all) ||
          (round < 0 && peer.isSlow) ||
          standings[at]?.wrong !== 0
        )
          continue
        took[at] = (took[at] ?? 0) + (await turnOf(peer, picture)).cpuMs
      }
    }
    if (round < 0) continue
    for (const [at, ms] of took.entries()) if (ms > 0) standings[at]?.ms.push(ms / pictures.length)
  }
  return standings
}

/** One turn, after the garbage of others. */
export async function turnOf(peer: Pick<Peer, 'swap'>, picture: Picture): Promise<Turn> {
  await cleanUp()
  return peer.swap(picture)
}

/** Collects all garbage. The engine's own threads go on sweeping for a while, which is nobody's turn. */
export async function cleanUp(): Promise<void> {
  collectGarbage()
  await delay(SWEEP_MS)
}

/** What `one` cost against `other`, round by round, least first. */
export function ratios(
  one: Pick<Standing, 'ms'> | undefined,
  other: Pick<Standing, 'ms'> | undefined,
): number[] {
  const pairs = one?.ms.map((ms, round) => ms / (other?.ms[round] ?? Number.NaN)) ?? []
  return pairs.filter(Number.isFinite).sort((a, b) => a - b)
}

/** Of values in order, of two in the middle the larger; NaN of none. */
export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
