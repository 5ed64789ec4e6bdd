import { request } from 'undici'

/** How long an inner service may take to answer unless said, in ms. */
const PATIENCE_MS = 10_000

/** What an inner service answered; `undefined` when nobody did. */
export interface Told {
  readonly status: number
  readonly bytes: Buffer
}

/** Asks inner services, with the secret where there is one. */
export interface Inner {
  ask(url: string, method?: 'GET' | 'POST' | 'DELETE', body?: Buffer): Promise<Told | undefined>
  /** The answer as JSON; `undefined` when nobody answered, or with anything but 200. */
  json<T>(url: string, method?: 'GET' | 'POST'): Promise<T | undefined>
}

/** `patienceMs` is how long an answer may take, beside what it was asked to wait. */
export function createInner(secret: string | undefined, patienceMs = PATIENCE_MS): Inner {
  const headers = secret === undefined ? {} : { authorization: `Bearer ${secret}` }
  const ask: Inner['ask'] = async (url, method = 'GET', body) => {
    const waitMs = 1_000 * Number(new URL(url).searchParams.get('wait') ?? 0)
    try {
      const signal = AbortSignal.timeout(patienceMs + waitMs)
      const answer = await request(url, { method, headers, signal, ...(body && { body }) })
      return { status: answer.statusCode, bytes: Buffer.from(await answer.body.arrayBuffer()) }
    } catch {
      return undefined
    }
  }
  return {
    ask,
    async json<T>(url: string, method?: 'GET' | 'POST') {
      const told = await ask(url, method)
      return told?.status === 200 ? (JSON.parse(told.bytes.toString()) as T) : undefined
    },
  }
}
