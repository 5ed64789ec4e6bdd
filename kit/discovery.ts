import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from './errors.ts'
import type { Entry } from './peer.ts'
import type { Transport } from './transport.ts'

/** How long a held look at the kv-store lasts, in seconds. */
const WATCH_SECONDS = 30
/** Pause after the kv-store could not be asked, and between two looks at one that cannot hold them, in ms. */
const RETRY_MS = 500
const LOOK_MS = 1_000
/** How long an entry lives without being renewed, in seconds, and how often it is, in ms. */
const TTL_SECONDS = 10
const RENEW_MS = 3_000
/** Longest that taking an entry out may hold up the end of a process, in ms; it ends by itself all the same. */
const LEAVE_MS = 1_000
/** How long the last good answer is kept when the kv-store knows nobody any more (it was started anew, empty), in ms. */
const KEEP_MS = TTL_SECONDS * 1_000

/** What discovery needs of a kv-store; the client of its contract fits. */
export interface Registry {
  get(query: { key: string }): Promise<string>
  set(query: { key: string; value: string; instance: string; ttl: number }): Promise<unknown>
  remove(query: { key: string; instance: string }): Promise<unknown>
  watch(
    query: { key: string; since: number; wait: number },
    options: { signal: AbortSignal },
  ): Promise<{ revision: number; entries: readonly Entry[] }>
}

export interface Following {
  close(): void
}

/** Keeps `transport` told of who stands under `key`. While the kv-store is away the last good answer stays. */
export function followEntries(registry: Registry, key: string, transport: Transport): Following {
  const closing = new AbortController()
  const { signal } = closing
  let since = 0
  let emptySince: number | undefined

  const tell = (entries: readonly Entry[]) => {
    if (entries.length > 0) {
      emptySince = undefined
      transport.setEntries(entries)
      return
    }
    emptySince ??= performance.now()
    if (performance.now() - emptySince > KEEP_MS) transport.setEntries([])
  }

  const look = async () => {
    try {
      const wait = emptySince === undefined ? WATCH_SECONDS : TTL_SECONDS
      const { revision, entries } = await registry.watch({ key, since, wait }, { signal })
      since = revision
      tell(entries)
    } catch (error) {
      // An original kv-store knows no /watch.
      if (!hasCode(error, 'not-found', 'method-not-allowed')) throw error
      const value = await registry.get({ key }).catch(() => '')
      tell(value === '' ? [] : [{ value }])
      await delay(LOOK_MS, undefined, { signal })
    }
  }

  const follow = async () => {
    while (!signal.aborted) await look().catch(() => delay(RETRY_MS, undefined, { signal }).catch(() => {}))
  }
  void follow()
  return { close: () => closing.abort() }
}

export interface RegistrationOptions {
  readonly registry: Registry
  readonly transport: Transport
  readonly key: string
  /** `host:port` under which others reach this service. */
  readonly value: string
  readonly instance: string
}

export interface Registration {
  /** Resolves once the entry stands for the first time. */
  readonly standing: Promise<void>
  /** Takes the entry out at once; it would end by itself after 10 s. */
  leave(): Promise<void>
}

/** Keeps a leased entry in the kv-store: renewed every 3 s, gone 10 s after this process is. */
export function openRegistration(options: RegistrationOptions): Registration {
  const { registry, transport, key, value, instance } = options
  const closing = new AbortController()
  const { signal } = closing
  const { promise: standing, resolve } = withResolvers()
  let renewing: Promise<unknown> = Promise.resolve()

  const renew = async () => {
    try {
      renewing = registry.set({ key, value, instance, ttl: TTL_SECONDS })
      await renewing
      resolve()
      await delay(RENEW_MS, undefined, { signal })
    } catch {
      await delay(RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
  const keep = async () => {
    while (!signal.aborted) await renew()
  }
  void keep()

  const takeOut = async () => {
    await renewing.catch(() => {})
    // An original kv-store would take this for everybody's entry.
    if (await transport.isOriginal().catch(() => true)) return
    await registry.remove({ key, instance }).catch(() => {})
  }

  return {
    standing,
    async leave() {
      closing.abort()
      await Promise.race([takeOut(), delay(LEAVE_MS, undefined, { ref: false })])
    },
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
