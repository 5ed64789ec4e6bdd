import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { explainPort } from './ground.ts'
import type { HolderData, HolderNews } from './holder.ts'
import type { Part } from './services.ts'

/** A listening socket that outlives the processes that serve it. */
export interface HeldSocket {
  /** Its file descriptor in this process, to be handed to those. */
  readonly fd: number
  readonly port: number
  close(): Promise<void>
}

/**
 * Opens the socket of a part, so that it stays open while its process is replaced, or is started again after it died:
 * who connects meanwhile waits. `program` is a built holder.ts. Throws a `Failure` when somebody else has the port.
 */
export async function holdSocket({ name, port }: Part, host: string, program: string): Promise<HeldSocket> {
  const data: HolderData = { port, host }
  const holder = new Worker(program, { workerData: data, execArgv: [] })
  holder.unref()
  const [news] = (await once(holder, 'message')) as [HolderNews]
  if ('code' in news) {
    await holder.terminate()
    throw explainPort(name, port, host, news.code)
  }
  return {
    ...news,
    async close() {
      await holder.terminate()
    },
  }
}
