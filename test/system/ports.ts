import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below the ports that systems give to connections by themselves, one of which could be taken in the meantime. */
const FIRST = 10_000
const LAST = 32_000

/** Ports of 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const taken = new Map<number, Server>()
  while (taken.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST))
    if (taken.has(port)) continue
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false)
    if (isFree) taken.set(port, server)
  }
  await Promise.all([...taken.values()].map(server => new Promise(resolve => server.close(resolve))))
  return [...taken.keys()]
}
