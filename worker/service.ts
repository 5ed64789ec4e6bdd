import type { FastifyInstance } from 'fastify'
import { addRoutes, buildServer, type ServerOptions } from '../kit/server.ts'
import { workerContract } from './contract.ts'

/** What a worker says of itself at /health, beside what all say. */
export interface WorkerFacts {
  readonly running: () => number
  readonly steps: () => object
  readonly ended: () => number
  readonly opinions: () => object
}

export interface WorkerOptions extends Omit<ServerOptions, 'facts'> {
  readonly facts: WorkerFacts
}

/** The worker's HTTP side: /health alone. Its work is in pool.ts and task.ts. */
export function buildWorker({ facts, ...server }: WorkerOptions): FastifyInstance {
  const app = buildServer({
    ...server,
    facts: () => ({
      running: facts.running(),
      steps: facts.steps(),
      ended: facts.ended(),
      opinions: facts.opinions(),
    }),
  })
  addRoutes(app, workerContract, {})
  return app
}
