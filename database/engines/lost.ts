/**
 * Which tokens lost a lease that was counted against their task. In memory: after a restart nobody is known, and what was
 * counted stays. Holds no more than the open tasks have losses.
 */
export interface LostHolders {
  note(id: number, token: string): void
  /** True if that token lost a lease of this task; asked again it is not. */
  take(id: number, token: string): boolean
  forget(id: number): void
}

export function createLostHolders(): LostHolders {
  const tokensOf = new Map<number, Set<string>>()
  return {
    note(id, token) {
      tokensOf.set(id, (tokensOf.get(id) ?? new Set()).add(token))
    },
    take: (id, token) => tokensOf.get(id)?.delete(token) ?? false,
    forget: id => void tokensOf.delete(id),
  }
}
