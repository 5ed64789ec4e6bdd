import type { Waiting } from '../engine.ts'

export interface Watchers {
  /** Resolves at the next change (of that task, or of any), when the time is up, or when nobody wants to know any more. */
  wait(of: number | 'any', waiting: Waiting): Promise<void>
  /** Wakes those who wait for one of these tasks, and those who wait for any. */
  wake(ids: Iterable<number>): void
  close(): void
}

/** Who waits for a task to change. */
export function createWatchers(): Watchers {
  const watchers = new Map<number | 'any', Set<() => void>>()
  const wakeAll = (of: number | 'any') => {
    for (const wake of watchers.get(of) ?? []) wake()
  }

  return {
    wait: (of, { waitMs, signal }) =>
      new Promise(resolve => {
        if (waitMs <= 0 || signal?.aborted) return resolve()
        const those = watchers.get(of) ?? new Set()
        watchers.set(of, those)
        const wake = () => {
          clearTimeout(timer)
          signal?.removeEventListener('abort', wake)
          those.delete(wake)
          if (those.size === 0 && watchers.get(of) === those) watchers.delete(of)
          resolve()
        }
        const timer = setTimeout(wake, waitMs)
        signal?.addEventListener('abort', wake, { once: true })
        those.add(wake)
      }),
    wake(ids) {
      let hasChange = false
      for (const id of ids) {
        wakeAll(id)
        hasChange = true
      }
      if (hasChange) wakeAll('any')
    },
    close() {
      for (const of of [...watchers.keys()]) wakeAll(of)
    },
  }
}
