import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import { atEnd } from '../../test/system/ending.ts'
import { freePorts } from '../../test/system/ports.ts'
import { askVersion } from '../daemon.ts'

const HOST = '127.0.0.1'
/** Pause between two attempts to reach a server that is about to come up, in ms, and the most of them. */
const RETRY_MS = 20
const MOST_RETRIES = 500

/** A Redis server of its own, empty, that answers once what was asked is on disk. */
export interface RedisServer {
  readonly host: string
  readonly port: number
  readonly pid: number
  /** Its version, and the settings that make it durable, as they were read back. */
  readonly says: string
  close(): Promise<void>
}

/** Its version; undefined when it is not installed. */
export const findRedis = () => askVersion('redis-server', '--version', /^Redis server v=(\S+)/)

/** Its file is in `folder`. */
export async function openRedis(folder: string): Promise<RedisServer> {
  const [port = 0] = await freePorts(1)
  const durable = { appendonly: 'yes', appendfsync: 'always' }
  // Neither copies of all it holds nor new files in place of long ones: both would be work beside what is measured.
  const quiet = { save: '', 'auto-aof-rewrite-percentage': '0' }
  const settings = { bind: HOST, port: String(port), dir: folder, ...durable, ...quiet }
  const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const child = spawn('redis-server', options, { stdio: 'ignore' })
  atEnd(() => child.kill('SIGKILL'))
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  try {
    const says = await readBack(port, durable)
    return { host: HOST, port, pid: child.pid ?? 0, says, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Resolves once it is up and says that it is set so. */
async function readBack(port: number, settings: Readonly<Record<string, string>>): Promise<string> {
  const retryStrategy = () => RETRY_MS
  const client = new Redis({ host: HOST, port, retryStrategy, maxRetriesPerRequest: MOST_RETRIES })
  // What it cannot reach yet it tries again; what it can never reach rejects what was asked.
  client.on('error', () => {})
  try {
    const said = [`Redis ${/^redis_version:(\S+)/m.exec(await client.info('server'))?.[1]}`]
    for (const [name, wanted] of Object.entries(settings)) {
      const [, found] = (await client.config('GET', name)) as string[]
      if (found !== wanted) throw new Error(`Redis has ${name} ${found} instead of ${wanted}`)
      said.push(`${name} ${found}`)
    }
    return said.join(', ')
  } finally {
    client.disconnect()
  }
}
