import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { freePorts } from '../test/system/ports.ts'
import { type Client, openClient } from './client.ts'
import { askVersion, openDaemon } from './daemon.ts'
import { CONNECTIONS, type KeyStore } from './key-store.ts'

/** What the JSON gateway answers, as far as it is read here; bytes are in base64, and what is empty is left out. */
interface Range {
  readonly kvs?: readonly { readonly value: string }[]
}

interface Watched {
  readonly result: { readonly events?: readonly { readonly kv: { readonly value?: string } }[] }
}

/** Its version; undefined when it is not installed. */
export const findEtcd = () => askVersion('etcd', '--version', /^etcd Version: (\S+)/)

/**
 * One member without others, as it is unless told otherwise: it puts its log on disk before it answers a write, many writes
 * with one fsync, and a read gives what was last written. Asked over its JSON gateway, which asks the same process again
 * over gRPC.
 */
export async function openEtcd(folder: string): Promise<KeyStore> {
  const [url, peerUrl] = (await freePorts(2)).map(port => `http://127.0.0.1:${port}`) as [string, string]
  const client = openClient(url, CONNECTIONS)
  const ask = (path: string, body: object) => client.ask({ method: 'POST', path, body: JSON.stringify(body) })
  const daemon = await openDaemon({
    command: [
      'etcd',
      ...['--data-dir', join(folder, 'etcd')],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl],
      ...['--initial-cluster', `default=${peerUrl}`],
      ...['--logger', 'zap', '--log-level', 'error'],
    ],
    log: join(folder, 'etcd.log'),
    async isReady() {
      return (await client.ask({ method: 'GET', path: '/health' })).includes('"true"')
    },
  })
  return {
    name: 'etcd',
    pid: daemon.pid,
    async get(key) {
      const { kvs } = JSON.parse(await ask('/v3/kv/range', { key: encode(key) })) as Range
      return decode(kvs?.[0]?.value)
    },
    async set(key, value) {
      await ask('/v3/kv/put', { key: encode(key), value: encode(value) })
    },
    watch: (key, seen) => watchByStream(client, key, seen),
    async close() {
      await client.close()
      await daemon.close()
    },
  }
}

async function watchByStream(client: Client, key: string, seen: (value: string) => void) {
  const ending = new AbortController()
  const { signal } = ending
  // Answered with a first line that says that the watcher is made.
  const body = JSON.stringify({ create_request: { key: encode(key) } })
  const stream = (await client.fetch({ method: 'POST', path: '/v3/watch', body, signal })) as Readable
  const read = async () => {
    for await (const line of createInterface({ input: stream })) {
      const { events = [] } = (JSON.parse(line) as Watched).result
      for (const { kv } of events) seen(decode(kv.value))
    }
  }
  const reading = read().catch(error => {
    if (!signal.aborted) throw error
  })
  return async () => {
    ending.abort()
    await reading
  }
}

const encode = (text: string) => Buffer.from(text).toString('base64')
const decode = (text = '') => Buffer.from(text, 'base64').toString()
