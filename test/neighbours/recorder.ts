import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Recorder {
  /** `host:port` of it. */
  readonly value: string
  /** All that it was asked, as `GET /path`. */
  readonly asked: readonly string[]
}

/**
 * A server that notes what it is asked, and ends with the test. At /health it says who it is, or 404 when it is nobody;
 * with everything else it is content, so that nobody finds out later.
 */
export async function startRecorder(
  t: Test,
  who?: { readonly service: string; readonly instance: string },
): Promise<Recorder> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume()
    const isHealth = request.url === '/health'
    const says = isHealth ? JSON.stringify({ ...who, version: '0.0.0', ready: true }) : 'success'
    response.statusCode = isHealth && who === undefined ? 404 : 200
    response.setHeader('content-type', isHealth ? 'application/json' : 'text/plain').end(says)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { value: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
