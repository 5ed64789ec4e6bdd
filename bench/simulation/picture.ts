import type { Costs } from './costs.ts'
import type { Database } from './database.ts'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import { inPieces, type Storage } from './storage.ts'
import type { Wait, Way } from './way.ts'

/** A picture on its way; times in ms of the simulation. */
export interface Picture {
  readonly beganAt: number
  /** Once it is on disk that its task is done. */
  readonly ended: () => void
  /** The storage that has its upload. */
  keptBy?: Process
}

export interface Places {
  readonly costs: Costs
  readonly network: Network
  readonly database: Database<Picture>
  readonly storageOf: (process: Process) => Storage
}

/** The way of a picture, as the services go it: each function is what one of them does to answer one request. */
export interface Ways {
  /** From a visitor's form to the answer with the id. */
  upload(client: Process, picture: Picture): Way
  /** From a visitor's question whether it is ready to the answer, once its task has ended. */
  waitFor(client: Process, ended: Wait): Way
  /** A loop of a worker: asks for a task, does it, has the next one with its end. Never ends. */
  serve(worker: Process): Way
}

export function createWays({ costs, network, database, storageOf }: Places): Ways {
  const { pieces, piece } = costs
  const { ask, askApart, choose, cross } = network

  /** A piece of a body on the loops of those who pass it on, up to the one who has it then. */
  const hops = (through: readonly Process[], to: Process): Wait[] =>
    through.flatMap((from, at) => [move(from), cross(from, through[at + 1] ?? to)])
  const move = (process: Process): Wait => process.does(process.role === 'kv-store' ? 0 : piece[process.role])
  const intoStorage = (through: readonly Process[], storage: Storage) =>
    inPieces(pieces, at => [...hops(through, storage.process), ...storage.takePiece(at)])

  // frontend/service.ts, submitTask; tasks/intake.ts
  function* submit(frontend: Process, client: Process, picture: Picture): Way {
    yield frontend.does(costs.frontend.readForm)
    const storage = storageOf(choose(frontend, 'storage'))
    const body = intoStorage([client, frontend], storage)
    yield* ask(frontend, storage.process, storage.keep('working', body))
    picture.keptBy = storage.process
    yield frontend.does(costs.frontend.makeTask)
    yield* ask(frontend, database.process, database.newTask(picture))
    yield frontend.does(costs.frontend.answer)
  }

  // frontend/service.ts, isReady; tasks/readiness.ts
  function* tell(frontend: Process, ended: Wait): Way {
    yield frontend.does(costs.frontend.ask)
    yield* askApart(frontend, database.process, database.tellOf(ended))
    yield frontend.does(costs.frontend.tell)
  }

  // worker/task.ts
  function* work(worker: Process, picture: Picture): Way<Picture> {
    yield worker.does(costs.worker.fetch)
    const source = storageOf(choose(worker, 'storage'))
    const upload = inPieces(pieces, () => [...hops([source.process], worker), move(worker)])
    yield* askApart(worker, source.process, source.give(picture.keptBy, upload))
    yield* swap(worker)
    yield worker.does(costs.worker.send)
    const target = storageOf(choose(worker, 'storage'))
    const result = intoStorage([worker], target)
    yield* ask(worker, target.process, target.keep('finished', result))
    yield worker.does(costs.worker.finish)
    const next = yield* askApart(worker, database.process, database.finishTask(picture.ended))
    yield worker.does(costs.worker.hear)
    return next
  }
  function* swap(worker: Process): Way {
    if (costs.worker.swap > 0) yield worker.does(costs.worker.swap)
    if (costs.swapMs > 0) yield worker.swaps(costs.swapMs)
  }

  return {
    *upload(client, picture) {
      yield client.does(costs.client.send)
      const frontend = choose(client, 'frontend')
      yield* ask(client, frontend, submit(frontend, client, picture))
      yield client.does(costs.client.hear)
    },
    *waitFor(client, ended) {
      yield client.does(costs.client.ask)
      const frontend = choose(client, 'frontend')
      yield* askApart(client, frontend, tell(frontend, ended))
      yield client.does(costs.client.beTold)
    },
    // worker/pool.ts
    *serve(worker) {
      yield worker.does(costs.worker.finish)
      // Held over a connection of its own until there is a task, as the end of one is from then on.
      let picture = yield* askApart(worker, database.process, database.getNewTask())
      yield worker.does(costs.worker.hear)
      for (;;) picture = yield* work(worker, picture)
    },
  }
}
