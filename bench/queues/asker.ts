import { Pool } from 'undici'

/** As many as ever ask at the same time, each over a connection of its own, as workers in processes of their own would. */
const CONNECTIONS = 64

/** One who asks over HTTP. */
export interface Asker {
  /** The answer's text; `undefined` when there is none (204). Throws on a refusal. */
  ask(method: 'GET' | 'POST', path: string): Promise<string | undefined>
  /** Asks the same so many times, over all connections. */
  askTimes(count: number, method: 'GET' | 'POST', path: string): Promise<void>
  close(): Promise<void>
}

/** @param url `http://HOST:PORT` of whom to ask. */
export function openAsker(url: string): Asker {
  const pool = new Pool(url, { connections: CONNECTIONS, pipelining: 1 })
  const ask: Asker['ask'] = async (method, path) => {
    const { statusCode, body } = await pool.request({ method, path })
    const text = await body.text()
    if (statusCode === 204) return undefined
    if (statusCode !== 200) throw new Error(`${method} ${path}: ${statusCode} ${text}`)
    return text
  }
  return {
    ask,
    async askTimes(count, method, path) {
      let left = count
      const lane = async () => {
        while (left-- > 0) await ask(method, path)
      }
      await Promise.all(Array.from({ length: CONNECTIONS }, lane))
    },
    close: () => pool.close(),
  }
}
