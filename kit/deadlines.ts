import type { FastifyReply } from 'fastify'
import { ServiceError } from './errors.ts'

/** An answer that is under way, and has to be sent in time. */
export interface Timed {
  /** It was refused: what there is to answer comes too late, and is for nobody. */
  readonly isLate: boolean
  /** There is something to answer: what of it is not sent in time is cut. */
  isGiven: boolean
}

class Entry implements Timed {
  isLate = false
  isGiven = false
  before: Entry | undefined
  after: Entry | undefined
  readonly reply: FastifyReply
  /** By the clock of `performance.now()`. */
  readonly dueAt: number

  constructor(reply: FastifyReply, dueAt: number) {
    this.reply = reply
    this.dueAt = dueAt
  }
}

/**
 * Refuses what takes longer than `limitMs`, or cuts it if something of it has been sent; so it does where the sending is not over
 * by then. Fastify's own `handlerTimeout` is off as soon as the body has been read. Who came first is due first, so one timer
 * does for all. They hang together in a chain: a set that loses as often as it gains makes its table anew all the time.
 */
export function createDeadlines(limitMs: number): { enter(reply: FastifyReply): Timed } {
  let first: Entry | undefined
  let last: Entry | undefined
  let timer: NodeJS.Timeout | undefined

  const arm = (dueAt: number) => {
    timer = setTimeout(endLate, dueAt - performance.now()).unref()
  }
  const leave = (entry: Entry) => {
    const { before, after } = entry
    if (before !== undefined) before.after = after
    else if (first === entry) first = after
    if (after !== undefined) after.before = before
    else if (last === entry) last = before
    entry.before = undefined
    entry.after = undefined
  }
  const endLate = () => {
    timer = undefined
    const now = performance.now()
    while (first !== undefined) {
      if (first.dueAt > now) return arm(first.dueAt)
      const entry = first
      leave(entry)
      end(entry)
    }
  }

  return {
    enter(reply) {
      const entry = new Entry(reply, performance.now() + limitMs)
      entry.before = last
      if (last === undefined) first = entry
      else last.after = entry
      last = entry
      reply.raw.on('close', () => leave(entry))
      if (timer === undefined) arm(entry.dueAt)
      return entry
    },
  }
}

function end(entry: Entry): void {
  const { reply, isGiven } = entry
  if (isGiven || reply.raw.headersSent) return void reply.raw.destroy()
  entry.isLate = true
  reply.send(new ServiceError('unavailable', 'There was no answer in time.'))
}
