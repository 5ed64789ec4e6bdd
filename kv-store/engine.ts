import type { Entry } from './contract.ts'

/**
 * Where the kv-store keeps what it is told. What `set` and `remove` ask for takes effect in the order in which it was asked.
 * One that rejects has changed nothing and woken nobody: with `disk-full`, or `unavailable` after `close`.
 */
export interface KvEngine {
  /** The entry whose turn it is: a live leased one before the plain one. `undefined` when the key has neither. */
  get(key: string): Promise<Entry | undefined>
  /** Every live entry of a key, leased ones first. */
  getAll(key: string): Promise<Entry[]>
  /** Replaces the plain value. Resolved means on disk, and nobody sees it before it is. */
  set(key: string, value: string): Promise<void>
  /** Makes or renews one instance's entry, beside the plain one. It ends `ttlSeconds` from now; it need not survive a restart. */
  lease(key: string, value: string, instance: string, ttlSeconds: number): Promise<void>
  /** Takes out one instance's entry, or all entries of the key. Resolved means on disk. */
  remove(key: string, instance?: string): Promise<void>
  /** Key and value of every key that `get` would answer, in order of key. */
  list(): AsyncIterable<{ key: string; value: string }>
  /**
   * The entries of a key, once they have changed after revision `since`, at the latest after `waitMs` or when `signal`
   * aborts. Revisions rise with every change, also over restarts; a `since` from the future is answered at once.
   */
  watch(
    key: string,
    options: { since: number; waitMs: number; signal: AbortSignal },
  ): Promise<{ revision: number; entries: Entry[] }>
  /** Puts on disk what was asked so far, and answers it. */
  close(): Promise<void>
}
