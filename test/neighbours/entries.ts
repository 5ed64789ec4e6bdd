import { request } from 'undici'
import type { Entry } from '../../kv-store/contract.ts'
import type { System } from '../system/system.ts'

/** Who enters itself, and under which key. */
export const keys = {
  database: 'databaseAddress',
  storage: 'storageAddress',
  master: 'masterAddress',
  worker: 'workerAddress',
  frontend: 'frontendAddress',
} as const
export const entering = Object.keys(keys) as (keyof typeof keys)[]

/** What anybody may ask the kv-store of a system. */
export interface Entries {
  /** All that stand under a key. */
  all(key: string): Promise<Entry[]>
  /** Enters an instance for `ttl` seconds. */
  enter(key: string, entry: { value: string; instance: string; ttl: number }): Promise<void>
  /** Holds the question for up to `wait` seconds, until something changed after the revision `since`. */
  watch(key: string, since: number, wait: number): Promise<{ revision: number; entries: Entry[] }>
}

export function entriesOf({ urls }: System): Entries {
  const ask = async (method: 'GET' | 'POST', path: string, query: Record<string, string | number>) => {
    const { statusCode, body } = await request(`${urls['kv-store']}${path}`, { method, query })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`${path} answered ${statusCode}: ${text}`)
    return text
  }
  return {
    all: async key => JSON.parse(await ask('GET', '/getAll', { key })),
    async enter(key, entry) {
      await ask('POST', '/set', { key, ...entry })
    },
    watch: async (key, since, wait) => JSON.parse(await ask('GET', '/watch', { key, since, wait })),
  }
}
