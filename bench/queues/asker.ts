import { runLanes } from '../burst.ts'
import { openClient } from '../client.ts'

/** As many as ever ask at the same time, each over a connection of its own, as workers in processes of their own would. */
const CONNECTIONS = 64

/** One who asks over HTTP. */
export interface Asker {
  /** The answer's text; `undefined` when it is empty. Throws on a refusal. */
  ask(method: 'GET' | 'POST', path: string): Promise<string | undefined>
  /** Asks the same so many times, over all connections. */
  askTimes(count: number, method: 'GET' | 'POST', path: string): Promise<void>
  close(): Promise<void>
}

/** @param url `http://HOST:PORT` of whom to ask. */
export function openAsker(url: string): Asker {
  const client = openClient(url, CONNECTIONS)
  const ask: Asker['ask'] = async (method, path) => {
    const text = await client.ask({ method, path })
    return text === '' ? undefined : text
  }
  return {
    ask,
    async askTimes(count, method, path) {
      await runLanes(
        CONNECTIONS,
        number => number < count,
        () => ask(method, path),
      )
    },
    close: () => client.close(),
  }
}
