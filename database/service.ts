import type { FastifyInstance, FastifyReply } from 'fastify'
import { done } from '../kit/contract.ts'
import { ifUnsent } from '../kit/ending.ts'
import { ServiceError } from '../kit/errors.ts'
import { addRoutes, buildServer, type ServerOptions } from '../kit/server.ts'
import { databaseContract, type Task } from './contract.ts'
import type { Granted, TaskEngine } from './engine.ts'

export interface DatabaseOptions extends ServerOptions {
  readonly engine: TaskEngine
}

/** The database: which tasks there are, and who has which. */
export function buildDatabase({ engine, ...server }: DatabaseOptions): FastifyInstance {
  const app = buildServer(server)
  const toHolder = ({ grant, mark }: Granted, reply: FastifyReply) => {
    ifUnsent(reply, () => engine.undoGrant(grant.id, mark))
    return grant
  }

  addRoutes(app, databaseContract, {
    newTask: async ({ query }) => String(await engine.newTask(query.id)),
    async getById(call) {
      const { id, wait, ended } = call.query
      if (wait === undefined) return found(await engine.get(id))
      return found(await engine.get(id, { waitMs: wait * 1_000, forEnd: ended === 1, signal: call.signal }))
    },
    getByIds: async ({ query: { ids } }) => {
      const tasks = await Promise.all(ids.map(id => engine.get(id)))
      return tasks.filter(task => task !== undefined)
    },
    async getNewTask(call) {
      const { worker, wait = 0 } = call.query
      const isPlain = worker === undefined && call.query.wait === undefined
      const granted = await engine.take({ isPlain, worker, waitMs: wait * 1_000, signal: call.signal })
      if (granted !== undefined) return toHolder(granted, call.reply)
      if (isPlain) throw new ServiceError('not-found', 'No non-started task.')
      return undefined
    },
    async endAsks({ query: { worker } }) {
      await engine.endAsks(worker)
      return done
    },
    async renewTask({ query: { id, token } }) {
      await engine.renew(id, token)
      return done
    },
    async releaseTask({ query: { id, token, pause } }) {
      await engine.release(id, token, pause)
      return done
    },
    async failTask({ query: { id, token, retry, steps }, body: reason }) {
      await engine.fail(id, token, { mayRetry: retry === 1, reason, steps })
      return done
    },
    async finishTask(call) {
      const { id, token, next, wait = 0, steps } = call.query
      const signal = wait > 0 ? call.signal : undefined
      const asking =
        next === undefined ? undefined : { isPlain: false, worker: next, waitMs: wait * 1_000, signal }
      const granted = await engine.finish(id, token, { next: asking, steps })
      return granted === undefined ? done : toHolder(granted, call.reply)
    },
    async setById({ body: { id, state } }) {
      await engine.set(id, state)
      return done
    },
    async deleteTask({ query }) {
      if (query.endedMs === undefined) await engine.remove(query.id)
      else await engine.giveUp(query.id, query.endedMs)
      return done
    },
    changes: ({ query: { since, wait }, signal }) => engine.changes({ since, waitMs: wait * 1_000, signal }),
    overview: async () => engine.overview(),
    list: async () => formatLines(engine.list()),
  })
  return app
}

function found(task: Task | undefined): Task {
  if (task === undefined) throw new ServiceError('not-found', 'No such task.')
  return task
}

async function* formatLines(rows: AsyncIterable<{ id: number; state: number }>): AsyncGenerator<string> {
  for await (const { id, state } of rows) yield `${id} :  id: ${id}  state: ${state}\n`
}
