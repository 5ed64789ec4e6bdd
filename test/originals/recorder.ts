import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { collect } from './http.ts'

/** A request that came in, whole. */
export interface Heard {
  /** `POST /newTask`: method, path and query, as they came. */
  readonly line: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Said {
  readonly status?: number
  readonly body?: string | Buffer
}

export interface Recorder {
  readonly address: string
  readonly heard: readonly Heard[]
  /** Those whose line begins so. */
  about(line: string): readonly Heard[]
}

/**
 * Stands where the other services would, all at one address, and keeps what an original sends them. As a kv-store it
 * gives its own address for every key; else it says what `answer` does, or `success`.
 */
export async function openRecorder(
  t: Test,
  answer: (heard: Heard) => Said | undefined | Promise<Said | undefined> = () => undefined,
): Promise<Recorder> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    const line = `${request.method} ${request.url}`
    const got = { line, headers: request.headers, body: await collect(request) }
    heard.push(got)
    const said = (await answer(got)) ?? { body: line.startsWith('GET /get?key=') ? address : 'success' }
    response.writeHead(said.status ?? 200).end(said.body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { address, heard, about: line => heard.filter(one => one.line.startsWith(line)) }
}
