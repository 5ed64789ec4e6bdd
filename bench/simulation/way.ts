/** Something that takes time: calls back once it is over. */
export type Wait<T = void> = (resume: (value: T) => void) => void

/** Steps one after the other: yields what it waits for. */
export type Way<T = void> = Generator<Wait<unknown>, T, unknown>

/** Sets out; calls back at the end of the way. */
export function start<T>(way: Way<T>, ended: (value: T) => void = () => {}): void {
  const go = (said?: unknown) => {
    const step = way.next(said)
    if (step.done) ended(step.value)
    else step.value(go)
  }
  go()
}

/** Waits, and gives what came of it. */
export function* result<T>(wait: Wait<T>): Way<T> {
  return (yield wait) as T
}

/** What happens once: who comes later does not wait. */
export interface Happening {
  readonly wait: Wait
  happen(): void
}

export function createHappening(): Happening {
  let hasHappened = false
  const waiting: (() => void)[] = []
  return {
    wait: resume => {
      if (hasHappened) resume()
      else waiting.push(resume)
    },
    happen() {
      hasHappened = true
      for (const resume of waiting) resume()
    },
  }
}

/** One after the other: what a way does of steps that are known beforehand, in less time. */
export const inTurn =
  (waits: readonly Wait[]): Wait =>
  resume => {
    let at = 0
    const go = () => {
      const wait = waits[at++]
      if (wait === undefined) resume()
      else wait(go)
    }
    go()
  }

/** All at the same time; over with the last of them. */
export const together =
  (waits: readonly Wait<unknown>[]): Wait =>
  resume => {
    let left = waits.length
    if (left === 0) return resume()
    for (const wait of waits)
      wait(() => {
        left -= 1
        if (left === 0) resume()
      })
  }
