import { freePorts } from '../../test/system/ports.ts'
import { createServiceProcess } from '../../test/system/process.ts'
import { openAsker } from './asker.ts'
import { openPlainFile } from './plain-file.ts'
import type { Queue } from './queue.ts'
import { runWorkers } from './worker.ts'

/** As it is meant to be used: in the process of those who work, which is this one. Every call is one fsync and waits for it. */
export function openPlainjob(path: string): Queue {
  const file = openPlainFile(path)
  return {
    name: 'plainjob in process',
    says: `${file.says}, without HTTP`,
    pid: undefined,
    add: async count => file.add(count),
    drain: workers =>
      runWorkers(workers, {
        take: async () => file.take(),
        async finish({ id }) {
          file.finish(id)
          return undefined
        },
      }),
    countFinished: async () => file.countFinished(),
    close: async () => file.close(),
  }
}

/** The same where workers are elsewhere, as those of the database are: behind the least server that does it. */
export async function openPlainjobServer(folder: string, path: string): Promise<Queue> {
  const [port = 0] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const { ask, close } = openAsker(url)
  const count = async () => Number(await ask('GET', '/finished'))
  const server = createServiceProcess({
    name: 'plainjob',
    service: 'plainjob',
    program: ['dist/bench/queues/plainjob-server.js', String(port), path],
    port,
    env: process.env,
    logs: folder,
    isReady: async () => (await count()) === 0,
  })
  await server.start()
  return {
    name: 'plainjob behind HTTP',
    says: 'the same, behind node:http',
    pid: server.pid(),
    add: async number => void (await ask('POST', `/newTask?count=${number}`)),
    drain: workers =>
      runWorkers(workers, {
        take: () => ask('POST', '/getNewTask'),
        async finish(id) {
          await ask('POST', `/finishTask?id=${id}`)
          return undefined
        },
      }),
    countFinished: count,
    async close() {
      await close()
      await server.kill('SIGTERM')
    },
  }
}
