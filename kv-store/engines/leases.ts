import type { Entry } from '../contract.ts'

interface Lease {
  readonly value: string
  readonly endsAt: number
}

export interface Leases {
  /** Live entries of a key, in the order in which they were first made. */
  of(key: string): Entry[]
  /** Keys that have live entries. */
  keys(): string[]
  /** Makes or renews an entry; true when that changed what `of` answers. */
  put(key: string, instance: string, value: string, ttlMs: number): boolean
  /** Takes out one entry, or all of a key; true when there was one. */
  remove(key: string, instance?: string): boolean
  /** Takes out what has ended; gives the keys that lost an entry. */
  sweep(): string[]
  /** Time until the next entry ends, in ms; `undefined` when there is none. */
  nextEndMs(): number | undefined
}

/**
 * Leased entries, in memory: whoever holds one renews it within seconds, so a restart of the kv-store loses nothing
 * that does not come back. `now` is a clock in ms that never jumps.
 */
export function createLeases(now: () => number): Leases {
  const leases = new Map<string, Map<string, Lease>>()
  const live = (key: string) => [...(leases.get(key) ?? [])].filter(([, lease]) => lease.endsAt > now())

  return {
    of: key =>
      live(key).map(([instance, { value, endsAt }]) => ({
        value,
        instance,
        expiresInMs: Math.ceil(endsAt - now()),
      })),
    keys: () => [...leases.keys()].filter(key => live(key).length > 0),
    put(key, instance, value, ttlMs) {
      const ofKey = leases.get(key) ?? new Map<string, Lease>()
      leases.set(key, ofKey)
      const before = ofKey.get(instance)
      ofKey.set(instance, { value, endsAt: now() + ttlMs })
      return before?.value !== value || before.endsAt <= now()
    },
    remove(key, instance) {
      if (instance === undefined) return leases.delete(key)
      return leases.get(key)?.delete(instance) ?? false
    },
    sweep() {
      const changed: string[] = []
      for (const [key, ofKey] of leases) {
        const ended = [...ofKey].filter(([, { endsAt }]) => endsAt <= now())
        for (const [instance] of ended) ofKey.delete(instance)
        if (ended.length > 0) changed.push(key)
        if (ofKey.size === 0) leases.delete(key)
      }
      return changed
    },
    nextEndMs() {
      let first = Number.POSITIVE_INFINITY
      for (const ofKey of leases.values())
        for (const { endsAt } of ofKey.values()) first = Math.min(first, endsAt)
      return first === Number.POSITIVE_INFINITY ? undefined : Math.max(0, first - now())
    },
  }
}
