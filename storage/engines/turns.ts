import { ServiceError } from '../../kit/errors.ts'

/** Work of which only some is done at a time, the rest in the order in which it was asked for. */
export interface Turns {
  /** Runs `work` when its turn comes; rejects with `unavailable` if by then nobody wants it any more. */
  run<T>(work: () => Promise<T>, isWanted: () => boolean): Promise<T>
}

export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  const turn = (): Promise<void> | undefined => {
    if (running < most) {
      running += 1
      return
    }
    return new Promise(begin => waiting.push(begin))
  }
  const pass = () => {
    const next = waiting.shift()
    if (next === undefined) running -= 1
    else next()
  }
  return {
    async run(work, isWanted) {
      await turn()
      try {
        if (!isWanted()) throw new ServiceError('unavailable', 'Nobody waits for this any more.')
        return await work()
      } finally {
        pass()
      }
    },
  }
}
