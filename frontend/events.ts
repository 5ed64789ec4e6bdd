import { Readable } from 'node:stream'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { unheard } from '../kit/body.ts'
import { ServiceError } from '../kit/errors.ts'
import { sent } from '../kit/server.ts'
import type { News } from './mailbox.ts'
import type { Told } from './told.ts'

/** How soon a browser comes again after its stream broke off, in ms. */
const RETRY_MS = 1_000

/**
 * Answers with server-sent events about some tasks; with 204 where there is nothing more to tell, so that whoever came again does
 * so no more.
 */
export async function sendEventsOf(
  reply: FastifyReply,
  news: AsyncGenerator<News>,
  beatMs: number,
): Promise<typeof sent> {
  const next = news.next()
  // What there is to tell has been put there; what is to come may take long, and the reader wants to know that it is heard.
  const first = await Promise.race([next, nextTurn()])
  if (first?.done !== true) return sendEvents(reply, news, beatMs, next)
  if (reply.server.stopping.signal.aborted)
    throw new ServiceError('unavailable', 'The service is about to end.')
  reply.code(204).send()
  return sent
}

/** Answers with server-sent events, `next` before all others; at once, however long it is until there is one. */
export function sendEvents(
  reply: FastifyReply,
  news: AsyncGenerator<News>,
  beatMs: number,
  next = news.next(),
): typeof sent {
  reply.type('text/event-stream; charset=utf-8')
  // A proxy that collected events before it passes them on would be no use.
  reply.header('x-accel-buffering', 'no')
  // The end of the stream is the end of the connection, or a service that drains would wait for its visitors.
  reply.header('connection', 'close')
  // Its reader may be gone by the time it fails.
  next.catch(unheard)
  reply.send(Readable.from(writeEvents(next, news, beatMs)))
  return sent
}

/** Events as text, and a comment after each `beatMs` without one, which keeps proxies from closing what seems idle. */
async function* writeEvents(
  first: Promise<IteratorResult<News>>,
  news: AsyncGenerator<News>,
  beatMs: number,
): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n\n`
  for (let next = first; ; ) {
    const beat = new AbortController()
    const item = await Promise.race([next, delay(beatMs, undefined, { signal: beat.signal })])
    beat.abort()
    if (item?.done) return
    if (item === undefined) {
      yield ': still here\n\n'
      continue
    }
    next = news.next()
    next.catch(unheard)
    yield formatEvent(item.value)
  }
}

function formatEvent({ told, revision }: News): string {
  return `event: task\n${formatId(told, revision)}data: ${JSON.stringify(told)}\n\n`
}

/** Whoever has been told that nothing is known comes again with no id, and is told all anew. */
function formatId({ state }: Told, revision: number | undefined): string {
  if (state === 'unknown for now') return 'id\n'
  return revision === undefined ? '' : `id: ${revision}\n`
}

/** The revision of the last event that a reader who comes again was told; undefined for who comes first, or says anything else. */
export function lastEventOf({ headers }: FastifyRequest): number | undefined {
  const said = headers['last-event-id']
  return typeof said === 'string' && /^[0-9]{1,15}$/.test(said) ? Number(said) : undefined
}
