import { finished, type Grant } from '../../database/contract.ts'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { done } from '../../kit/contract.ts'
import { freePorts } from '../../test/system/ports.ts'
import { createServiceProcess } from '../../test/system/process.ts'
import { openAsker } from './asker.ts'
import type { Queue } from './queue.ts'
import { runWorkers } from './worker.ts'

/** The project's own database as a process, with the kv-store that it enters itself in, and nobody between it and workers. */
export async function openDatabase(folder: string): Promise<Queue> {
  const [kvPort = 0, port = 0] = await freePorts(2)
  const env = {
    ...process.env,
    KV: `127.0.0.1:${kvPort}`,
    KV_STORE_PORT: String(kvPort),
    DATABASE_PORT: String(port),
    DATA_DIR: folder,
  }
  const kvStore = createServiceProcess({
    name: 'kv-store',
    service: 'kv-store',
    port: kvPort,
    env,
    logs: folder,
  })
  const database = createServiceProcess({ name: 'database', service: 'database', port, env, logs: folder })
  await Promise.all([kvStore.start(), database.start()])
  const { ask, askTimes, close } = openAsker(database.url)

  return {
    name: 'the database service',
    // kit/sqlite.ts reads them back, and does not open a file that has others.
    says: 'over HTTP; journal_mode wal, synchronous 2, or it would not have started',
    pid: database.pid(),
    add: count => askTimes(count, 'POST', '/newTask'),
    drain: workers =>
      runWorkers<Grant>(workers, {
        async take(worker) {
          const text = await ask('POST', `/getNewTask?worker=${worker}&wait=0`)
          return text === undefined ? undefined : JSON.parse(text)
        },
        async finish({ id, token }, worker) {
          const said = await ask('POST', `/finishTask?id=${id}&token=${token}&next=${worker}`)
          return said === done || said === undefined ? undefined : JSON.parse(said)
        },
      }),
    async countFinished() {
      const lines = (await ask('GET', '/list'))?.split('\n') ?? []
      return lines.filter(line => line.endsWith(`state: ${finished}`)).length
    },
    async close() {
      await close()
      await database.kill('SIGINT')
      await kvStore.kill('SIGINT')
    },
  }
}

/** What it is made of, without HTTP: in the process of those who work, as a library would be. */
export function openEngine(path: string): Queue {
  const engine = openSqliteTasks({ path })
  const asking = (worker: string) => ({ isPlain: false, worker, waitMs: 0 })
  return {
    name: 'the engine in process',
    says: "the database's, without HTTP; journal_mode wal, synchronous 2, or it would not have opened",
    pid: undefined,
    async add(count) {
      await Promise.all(Array.from({ length: count }, () => engine.newTask()))
    },
    drain: workers =>
      runWorkers<Grant>(workers, {
        take: async worker => (await engine.take(asking(worker)))?.grant,
        finish: async ({ id, token }, worker) =>
          (await engine.finish(id, token, { next: asking(worker) }))?.grant,
      }),
    async countFinished() {
      let count = 0
      for await (const { state } of engine.list()) if (state === finished) count += 1
      return count
    },
    close: () => engine.close(),
  }
}
