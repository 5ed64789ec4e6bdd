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

/** A recorder that somebody has to close. */
export interface OpenRecorder extends Recorder {
  close(): void
}

/** Who it says it is. */
export interface Who {
  readonly service: string
  readonly instance: string
}

/** Starts a recorder and ends it with the test. */
export async function startRecorder(t: Test, who?: Who): Promise<Recorder> {
  const recorder = await openRecorder(who)
  t.teardown(recorder.close)
  return recorder
}

/**
 * A server that notes what it is asked. At /health it says who it is, or 404 when it is nobody; with everything else it is
 * content, so that nobody finds out later. `port` 0: the system chooses.
 */
export async function openRecorder(who?: Who, port = 0): Promise<OpenRecorder> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume()
    const isHealth = request.url === '/health'
    const says = isHealth ? JSON.stringify({ ...who, version: '0.0.0', ready: true }) : 'success'
    response.statusCode = isHealth && who === undefined ? 404 : 200
    response.setHeader('content-type', isHealth ? 'application/json' : 'text/plain').end(says)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    value: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
