import { type Client, openClient } from './client.ts'
import { openService } from './service.ts'

/** Connections of a client: as many as ask at once, and one for a watcher. */
export const CONNECTIONS = 65
/** How long a poll is held, in s. */
const HELD_S = 60

/** A store of values by key, asked over HTTP. */
export interface KeyStore {
  readonly name: string
  readonly pid: number
  get(key: string): Promise<string>
  /** Resolves once it is answered, which is once it is on disk. */
  set(key: string, value: string): Promise<void>
  /**
   * Calls `seen` with what the key has after each change. Resolves, once the watcher stands, with how to end it.
   */
  watch(key: string, seen: (value: string) => void): Promise<() => Promise<void>>
  close(): Promise<void>
}

interface News {
  readonly revision: number
  readonly entries: readonly { readonly value: string }[]
}

/** Ours, as a real process with nothing around it. */
export async function openKvStore(folder: string): Promise<KeyStore> {
  const service = await openService('kv-store', folder)
  const client = openClient(service.url, CONNECTIONS)
  return {
    name: 'kv-store',
    pid: service.pid,
    get: key => client.ask({ method: 'GET', path: `/get?key=${key}` }),
    async set(key, value) {
      await client.ask({ method: 'POST', path: `/set?key=${key}&value=${encodeURIComponent(value)}` })
    },
    watch: (key, seen) => watchByPolls(client, key, seen),
    async close() {
      await client.close()
      await service.close()
    },
  }
}

async function watchByPolls(client: Client, key: string, seen: (value: string) => void) {
  const ending = new AbortController()
  const { signal } = ending
  const poll = async (since: number, wait: number) => {
    const path = `/watch?key=${key}&since=${since}&wait=${wait}`
    return JSON.parse(await client.ask({ method: 'GET', path, signal })) as News
  }
  const keepAsking = async (from: number) => {
    for (let since = from; ; ) {
      const { revision, entries } = await poll(since, HELD_S)
      since = revision
      for (const { value } of entries) seen(value)
    }
  }
  const asking = keepAsking((await poll(0, 0)).revision).catch(error => {
    if (!signal.aborted) throw error
  })
  return async () => {
    ending.abort()
    await asking
  }
}
