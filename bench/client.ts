import { Pool } from 'undici'
import { collect } from '../kit/body.ts'
import { type Answer, exchange } from '../kit/exchange.ts'

/** What is asked of a server. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  readonly signal?: AbortSignal
}

/** Asks one server over connections that are kept: the same client for ours and for its peers. Throws unless it succeeds. */
export interface Client {
  /** The text of the answer. */
  ask(question: Question): Promise<string>
  /** The body of the answer; a stream has to be read. */
  fetch(question: Question): Promise<Answer['body']>
  close(): Promise<void>
}

/** @param url `http://HOST:PORT`. */
export function openClient(url: string, connections: number): Client {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const fetch: Client['fetch'] = async ({ method, path, headers = {}, body = null, signal }) => {
    const answer = await exchange(pool, { method, path, headers, body }, signal)
    if (answer.status >= 200 && answer.status < 300) return answer.body
    throw new Error(`${method} ${path}: ${answer.status} ${await textOf(answer.body)}`)
  }
  return {
    ask: async question => textOf(await fetch(question)),
    fetch,
    close: () => pool.destroy(),
  }
}

const textOf = async (body: Answer['body']) => (await collect(body, Number.POSITIVE_INFINITY)).toString()
