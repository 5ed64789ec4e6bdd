/**
 * Workers that hold a task which they are to run alone. Whatever else they are given meanwhile they could only hand back, or lose
 * together with it: they are given nothing. In memory: after a restart none is known.
 */
export interface Loners {
  /** What is given to that worker it has to run alone. */
  note(id: number, worker: string): void
  /** Nobody holds it any more, but for that worker. */
  forget(id: number, butFor?: string): void
  /** Whether that worker holds such a task, as the present transaction has it. */
  has(worker: string): boolean
  /** The present transaction is on disk, or is not to be. */
  committed(): void
  rolledBack(): void
}

export function createLoners(): Loners {
  const workers = new Map<number, string>()
  /** What the present transaction found. */
  let before = new Map<number, string | undefined>()
  const remember = (id: number) => {
    if (!before.has(id)) before.set(id, workers.get(id))
  }

  return {
    note(id, worker) {
      remember(id)
      workers.set(id, worker)
    },
    forget(id, butFor) {
      if (workers.get(id) === butFor) return
      remember(id)
      workers.delete(id)
    },
    has(worker) {
      for (const one of workers.values()) if (one === worker) return true
      return false
    },
    committed() {
      if (before.size > 0) before = new Map()
    },
    rolledBack() {
      for (const [id, worker] of before)
        if (worker === undefined) workers.delete(id)
        else workers.set(id, worker)
      before = new Map()
    },
  }
}
