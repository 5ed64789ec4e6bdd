import { setTimeout as delay } from 'node:timers/promises'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { fetchImage, stateOf, upload, waitUntilDone } from '../system/visitor.ts'

/** Width and height of what is uploaded: enough work that the workers always hold some of it. */
const SIDE = 160
/** Results that are waited for at once; more uploads have to wait themselves. */
const MOST_OPEN = 24
const VISITORS = 6

export interface CrowdOptions {
  /** All frontends: a visitor takes the next one in turn, whether it is there or not. */
  readonly frontends: readonly string[]
  /** One that is there, to ask for results. */
  readonly anyFrontend: () => string
}

/** Visitors who upload pictures all the time; each picture differs, and each result is compared. */
export interface Crowd {
  /** The longest time without a result since a moment of `performance.now()`, in ms. */
  longestPause(since: number): number
  /** Ends it, once the last result is there; says how it went. */
  stop(): Promise<{
    readonly acknowledged: number
    /** Refused, or without an answer. */
    readonly refused: number
    /** What became of those that did not come back right. */
    readonly lost: readonly string[]
  }>
}

export function startCrowd({ frontends, anyFrontend }: CrowdOptions): Crowd {
  const open = new Set<Promise<void>>()
  const doneAt: number[] = []
  const lost: string[] = []
  let acknowledged = 0
  let refused = 0
  let isOver = false
  let seed = 2_000_000

  /** Asks a frontend that runs, and another one when it ends in the middle. */
  const askOne = async <T>(ask: (url: string) => Promise<T>): Promise<T> => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await ask(anyFrontend())
      } catch (error) {
        if (tries === 30) throw error
        await delay(50)
      }
    }
  }
  const settle = async (id: string, image: Buffer) => {
    try {
      const outcome = await askOne(url => waitUntilDone(url, id, 2_000))
      if (outcome !== 'ready') throw new Error(outcome.failed)
      doneAt.push(performance.now())
      const state = await askOne(url => stateOf(url, id))
      if (state !== 'ready') throw new Error(`a master says that it is ${state}`)
      const found = differences(image, await askOne(url => fetchImage(url, id)))
      if (found.length > 0) throw new Error(found.join('; '))
    } catch (error) {
      lost.push(`${id}: ${error}`)
    }
  }
  const visit = async () => {
    while (!isOver) {
      const mine = seed++
      const image = uniqueImage(mine, { width: SIDE, height: SIDE })
      const { id } = await upload(frontends[mine % frontends.length] ?? '', image).catch(() => ({
        id: undefined,
      }))
      if (id === undefined) {
        refused += 1
        await delay(20)
        continue
      }
      acknowledged += 1
      const settling = settle(id, image)
      open.add(settling)
      void settling.then(() => open.delete(settling))
      while (open.size >= MOST_OPEN) await Promise.race(open)
    }
  }
  const visitors = Array.from({ length: VISITORS }, visit)

  return {
    longestPause(since) {
      const moments = [since, ...doneAt.filter(moment => moment > since), performance.now()]
      return Math.max(...moments.slice(1).map((moment, i) => moment - (moments[i] ?? 0)))
    },
    async stop() {
      isOver = true
      await Promise.all(visitors)
      await Promise.all(open)
      return { acknowledged, refused, lost }
    },
  }
}
