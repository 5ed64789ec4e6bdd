/**
 * Which tokens lost a lease that was counted against their task. In memory: after a restart nobody is known, and what was
 * counted stays. Holds no more than the open tasks have losses.
 */
export interface LostHolders {
  note(id: number, token: string): void
  /** True if that token lost a lease of this task; asked again it is not. */
  take(id: number, token: string): boolean
  forget(id: number): void
  /** The present transaction is on disk, or is not to be. */
  committed(): void
  rolledBack(): void
}

export function createLostHolders(): LostHolders {
  const tokensOf = new Map<number, ReadonlySet<string>>()
  /** What the present transaction found. */
  let before = new Map<number, ReadonlySet<string> | undefined>()
  const set = (id: number, tokens: ReadonlySet<string> | undefined) => {
    if (tokens === undefined) tokensOf.delete(id)
    else tokensOf.set(id, tokens)
  }
  const change = (id: number, tokens: ReadonlySet<string> | undefined) => {
    if (!before.has(id)) before.set(id, tokensOf.get(id))
    set(id, tokens)
  }

  return {
    note: (id, token) => change(id, new Set(tokensOf.get(id)).add(token)),
    take(id, token) {
      const tokens = tokensOf.get(id)
      if (!tokens?.has(token)) return false
      change(id, new Set([...tokens].filter(one => one !== token)))
      return true
    },
    forget(id) {
      if (tokensOf.has(id)) change(id, undefined)
    },
    committed() {
      if (before.size > 0) before = new Map()
    },
    rolledBack() {
      for (const [id, tokens] of before) set(id, tokens)
      before = new Map()
    },
  }
}
