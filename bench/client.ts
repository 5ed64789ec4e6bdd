import { type Dispatcher, Pool } from 'undici'

/** What is asked of a server. */
export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  readonly signal?: AbortSignal
}

export type Answer = Dispatcher.ResponseData['body']

/** Asks one server over connections that are kept: the same client for ours and for its peers. */
export interface Client {
  /** The body of the answer, which has to be read. Throws unless the status is one of success. */
  ask(question: Question): Promise<Answer>
  close(): Promise<void>
}

/** @param url `http://HOST:PORT`. */
export function openClient(url: string, connections: number): Client {
  const pool = new Pool(url, { connections, pipelining: 1 })
  return {
    async ask({ method, path, headers = {}, body = null, signal }) {
      const answer = await pool.request({ method, path, headers, body, ...(signal && { signal }) })
      if (answer.statusCode >= 200 && answer.statusCode < 300) return answer.body
      throw new Error(`${method} ${path}: ${answer.statusCode} ${await answer.body.text()}`)
    },
    close: () => pool.destroy(),
  }
}
