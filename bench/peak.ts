/** Bytes of each process. */
export type Memory = Readonly<Record<string, number>>

/** How often is looked while a load runs, in ms. A look at six services took 11 ms of CPU, by hand, of whoever looks. */
const LOOK_MS = 250

/** The most that processes took while they were looked at. */
export interface Peak {
  /** Looks at them again and again while `load` runs, and once more when it is over. */
  during(load: () => Promise<unknown>): Promise<void>
  /** The most of each, at whatever moment that was. */
  each(): Memory
  /** The most of all together, at one moment. */
  all(): number
}

export function createPeak(look: () => Memory): Peak {
  const each: Record<string, number> = {}
  let all = 0
  const note = () => {
    const found = look()
    for (const [name, bytes] of Object.entries(found)) each[name] = Math.max(each[name] ?? 0, bytes)
    all = Math.max(all, totalOf(found))
  }
  return {
    async during(load) {
      let failure: unknown
      const timer = setInterval(() => {
        try {
          note()
        } catch (error) {
          failure ??= error
        }
      }, LOOK_MS)
      await load().finally(() => clearInterval(timer))
      if (failure !== undefined) throw failure
      note()
    },
    each: () => each,
    all: () => all,
  }
}

/** What all of them take. */
export function totalOf(memory: Memory): number {
  return Object.values(memory).reduce((sum, bytes) => sum + bytes, 0)
}
