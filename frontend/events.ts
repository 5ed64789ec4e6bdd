import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { ServiceError } from '../kit/errors.ts'
import { sent } from '../kit/server.ts'
import type { News } from './mailbox.ts'

/** How soon a browser comes again after its stream broke off, in ms. */
const RETRY_MS = 1_000

/** Answers with server-sent events about some tasks. What the first step of `news` refuses is refused as everywhere else. */
export async function sendEventsOf(
  reply: FastifyReply,
  news: AsyncGenerator<News>,
  beatMs: number,
): Promise<typeof sent> {
  const { done, value: first } = await news.next()
  if (done) throw new ServiceError('unavailable', 'The service is about to end.')
  return sendEvents(reply, news, beatMs, first)
}

/** Answers with server-sent events, `first` before all others; at once, however long it is until there is one. */
export function sendEvents(
  reply: FastifyReply,
  news: AsyncGenerator<News>,
  beatMs: number,
  first?: News,
): typeof sent {
  reply.type('text/event-stream; charset=utf-8')
  // A proxy that collected events before it passes them on would be no use.
  reply.header('x-accel-buffering', 'no')
  // The end of the stream is the end of the connection, or a service that drains would wait for its visitors.
  reply.header('connection', 'close')
  reply.send(Readable.from(writeEvents(first, news, beatMs)))
  return sent
}

/** Events as text, and a comment after each `beatMs` without one, which keeps proxies from closing what seems idle. */
async function* writeEvents(
  first: News | undefined,
  news: AsyncGenerator<News>,
  beatMs: number,
): AsyncGenerator<string> {
  yield `retry: ${RETRY_MS}\n${first === undefined ? '\n' : formatEvent(first)}`
  let next = news.next()
  for (;;) {
    const beat = new AbortController()
    const item = await Promise.race([next, delay(beatMs, undefined, { signal: beat.signal })])
    beat.abort()
    if (item?.done) return
    if (item === undefined) {
      yield ': still here\n\n'
      continue
    }
    next = news.next()
    yield formatEvent(item.value)
  }
}

function formatEvent({ told, revision }: News): string {
  const id = revision === undefined ? '' : `id: ${revision}\n`
  return `event: task\n${id}data: ${JSON.stringify(told)}\n\n`
}
