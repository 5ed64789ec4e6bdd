import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

/** What a holder is started with. */
export interface HolderData {
  readonly port: number
  readonly host: string
}

/** What it says: the socket's file descriptor and port, or why it cannot be had. */
export type HolderNews = { readonly fd: number; readonly port: number } | { readonly code: string }

/**
 * Listens on a socket and never accepts a connection: that is for whoever gets the file descriptor. Connections that come
 * while nobody has it wait in the kernel's queue.
 */
function main({ port, host }: HolderData, say: (news: HolderNews) => void): void {
  const server = createServer()
  server.once('error', (error: NodeJS.ErrnoException) => say({ code: error.code ?? error.message }))
  server.listen({ port, host }, () => {
    const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle
    say({ fd, port: (server.address() as { port: number }).port })
    // Only its event loop would accept, and that never gets a turn again.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
}

main(workerData as HolderData, news => parentPort?.postMessage(news))
