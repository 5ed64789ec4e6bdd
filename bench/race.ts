import { exchangedPixels, shows } from './check.ts'
import { cleanUp } from './garbage.ts'
import type { Peer } from './peers.ts'
import type { Picture } from './pictures.ts'
import type { Turn } from './swap.ts'

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
