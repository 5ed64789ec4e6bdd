import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below the ports that systems give to connections by themselves, one of which could be taken in the meantime. */
const FIRST = 10_000
const BLOCKS = 110
const BLOCK_SIZE = 200

async function listen(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, '127.0.0.1')
  const isFree = await Promise.race([
    once(server, 'listening').then(() => true),
    once(server, 'error').then(() => false),
  ]).catch(() => false)
  return isFree ? server : undefined
}

/**
 * Takes a block of ports for this process alone: it listens at the first of them to its end. What a process has been
 * given and not bound yet is so given to no other.
 */
async function takeBlock(): Promise<number> {
  for (;;) {
    const first = FIRST + BLOCK_SIZE * Math.floor(Math.random() * BLOCKS)
    const guard = await listen(first)
    if (guard === undefined) continue
    guard.unref()
    return first
  }
}

let block: Promise<number> | undefined
let given = 0

/** Ports of 127.0.0.1 that were free a moment ago, all different, which no other process that asks here is given. */
export async function freePorts(count: number): Promise<number[]> {
  if (count >= BLOCK_SIZE) throw new RangeError(`no more than ${BLOCK_SIZE - 1} ports at once`)
  block ??= takeBlock()
  const first = await block
  const taken = new Map<number, Server>()
  while (taken.size < count) {
    given = (given % (BLOCK_SIZE - 1)) + 1
    const port = first + given
    const server = await listen(port)
    if (server !== undefined) taken.set(port, server)
  }
  await Promise.all([...taken.values()].map(server => new Promise(resolve => server.close(resolve))))
  return [...taken.keys()]
}
