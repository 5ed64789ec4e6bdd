/** Most removals that are kept: who follows the feed hears of each, who comes later looks for himself. */
const MOST_KEPT = 10_000

/** Which tasks were removed lately, each with the number of that change. In memory: after a restart none is known. */
export interface Removals {
  /** In the present transaction. */
  note(id: number, revision: number): void
  /** The present transaction is on disk, or is not to be. */
  committed(): void
  rolledBack(): void
  /** What was removed after the revision `since`, up to `until`; `undefined` when that is not known any more. */
  between(since: number, until: number): number[] | undefined
}

/** @param from The revision at the start. */
export function createRemovals(from: number): Removals {
  let knownAfter = from
  let kept: { readonly id: number; readonly revision: number }[] = []
  let present: typeof kept = []

  return {
    note: (id, revision) => void present.push({ id, revision }),
    committed() {
      if (present.length === 0) return
      kept.push(...present)
      present = []
      if (kept.length <= MOST_KEPT) return
      // Half of them at once, so that it does not happen at each removal.
      knownAfter = kept[kept.length - MOST_KEPT / 2 - 1]?.revision ?? knownAfter
      kept = kept.slice(-MOST_KEPT / 2)
    },
    rolledBack() {
      present = []
    },
    between(since, until) {
      if (since < knownAfter) return undefined
      return kept.filter(({ revision }) => revision > since && revision <= until).map(({ id }) => id)
    },
  }
}
