import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import type { Door } from './doors.ts'

// A thread with a server that says who it is, and what else it is asked. It opens and closes while its parent's thread stands still.
const { instance, turns } = workerData as Door
const server = createServer((request, response) => {
  request.resume()
  parentPort?.postMessage(`${request.method} ${request.url?.split('?')[0]}`)
  const health = { service: 'toy', instance, version: '0', ready: true }
  response.end(JSON.stringify(request.url === '/health' ? health : { id: 1 }))
})

parentPort?.on('message', async (port: number | undefined) => {
  if (port === undefined) {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  } else {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    Atomics.store(turns, 1, (server.address() as AddressInfo).port)
  }
  Atomics.add(turns, 0, 1)
  Atomics.notify(turns, 0)
})
