import type { FastifyReply } from 'fastify'

/** Runs `undo` when the answer cannot be written any more: its caller is gone, or goes before the last byte. */
export function ifUnsent({ raw, log }: FastifyReply, undo: () => Promise<void>): void {
  const run = () => undo().catch(error => log.error({ err: error }, 'what nobody was told of was not undone'))
  if (raw.destroyed) return void run()
  // Not `writableFinished`: it is true as well after an answer to a connection that had been cut before.
  let isSent = false
  raw.once('finish', () => {
    isSent = true
  })
  raw.once('close', () => {
    if (!isSent) void run()
  })
}

/** Made once: an error of its own for each call would be a trace of the stack, and most are for nobody, after the answer. */
const gone = new DOMException('The caller is gone, or the service is about to end.', 'AbortError')

/** What tells those who wait for the sake of a call that they wait in vain. */
export interface Watch {
  /** Aborts when the caller is gone, or the service is about to end. */
  readonly signal: AbortSignal
  /** Nobody waits any more: the signal says nothing from now on. To abort it for nobody costs half as much as to make it. */
  letGo(): void
}

/** Watches a call until its answer is closed. */
export function watchCall(stopping: AbortSignal, { raw }: FastifyReply): Watch {
  const controller = new AbortController()
  const abort = () => controller.abort(gone)
  const letGo = () => {
    stopping.removeEventListener('abort', abort)
    raw.off('close', end)
  }
  const end = () => {
    letGo()
    abort()
  }
  if (stopping.aborted || raw.destroyed) abort()
  stopping.addEventListener('abort', abort, { once: true })
  raw.on('close', end)
  return { signal: controller.signal, letGo }
}
