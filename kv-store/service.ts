import type { FastifyInstance } from 'fastify'
import { done } from '../kit/contract.ts'
import { ServiceError } from '../kit/errors.ts'
import { addRoutes, buildServer, type ServerOptions } from '../kit/server.ts'
import { kvStoreContract } from './contract.ts'
import type { KvEngine } from './engine.ts'

export interface KvStoreOptions extends ServerOptions {
  readonly engine: KvEngine
}

/** The kv-store: who is where. Plain entries for ever, leased ones as long as they are renewed. */
export function buildKvStore({ engine, ...server }: KvStoreOptions): FastifyInstance {
  const app = buildServer(server)

  addRoutes(app, kvStoreContract, {
    async get({ query }) {
      const entry = await engine.get(query.key)
      if (entry === undefined) throw new ServiceError('not-found', 'No such key.')
      return entry.value
    },
    async set({ query: { key, value, instance, ttl } }) {
      if ((instance === undefined) !== (ttl === undefined))
        throw new ServiceError('bad-request', 'A leased entry has both an instance and a ttl.')
      if (instance === undefined || ttl === undefined) await engine.set(key, value)
      else await engine.lease(key, value, instance, ttl)
      return done
    },
    async remove({ query }) {
      await engine.remove(query.key, query.instance)
      return done
    },
    async list() {
      return formatLines(engine.list())
    },
    getAll: ({ query }) => engine.getAll(query.key),
    watch: ({ query: { key, since, wait }, signal }) =>
      engine.watch(key, { since, waitMs: wait * 1_000, signal }),
  })
  return app
}

async function* formatLines(rows: AsyncIterable<{ key: string; value: string }>): AsyncGenerator<string> {
  for await (const { key, value } of rows) yield `${key} : ${value}\n`
}
