import rateLimit, { normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isLoopback } from '../kit/address.ts'
import { type Admission, createAdmission } from '../kit/admission.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { isDirect } from './operator.ts'

const MINUTE_MS = 60_000
/** So many tasks that are not there count as one miss where one request asks for many. */
const GONE_A_MISS = 10
/** Streams of events, and answers that wait, that one visitor may hold at once. */
export const STREAMS_EACH = 20
/** Uploads of one visitor at once. */
export const UPLOADS_EACH = 64

export interface VisitorLimits {
  /** Uploads of one address in a minute. */
  readonly uploadsPerMinute: number
  /** Asks of one address for tasks that do not exist, in a minute: nobody guesses ids. */
  readonly missesPerMinute: number
  /** Streams of events at once, and answers that wait, of all visitors together. */
  readonly maxStreams: number
}

/** What each visitor may do. One is an address, an IPv6 network of 64 bits; who is on this machine itself may do anything. */
export interface Visitors {
  /** Counts an upload in this minute; `overloaded` when it is one too many. */
  countUpload(request: FastifyRequest): Promise<void>
  /** Counts an upload until it is answered; `overloaded` when it is one too many at once. */
  enterUpload(request: FastifyRequest, reply: FastifyReply): void
  /** Asks about a task; when it is `not-found` that counts, and after too many of those nothing is asked: `overloaded`. */
  countMiss<T>(request: FastifyRequest, ask: () => Promise<T>): Promise<T>
  /** Counts that so many tasks were not there of which one request asked: ten as one, since a browser may remember some. */
  countGone(request: FastifyRequest, gone: number): Promise<void>
  /** Counts a stream of events, or an answer that waits, until it ends. */
  enterStream(request: FastifyRequest, reply: FastifyReply): void
}

export function createVisitors(app: FastifyInstance, limits: VisitorLimits): Visitors {
  app.register(rateLimit, { global: false })
  const uploads = createCounter(app, limits.uploadsPerMinute, 'Too many uploads from this address.')
  const misses = createCounter(app, limits.missesPerMinute, 'Too many asks for tasks that do not exist.')
  const streams = createAdmission({ most: limits.maxStreams, message: 'Too many tasks are being followed.' })
  const enterOwnStream = limitEach(STREAMS_EACH, 'You follow too many tasks.')
  const enterOwnUpload = limitEach(UPLOADS_EACH, 'You upload too many pictures at once.')
  let hasWarned = false

  const warnOfProxy = (request: FastifyRequest) => {
    if (hasWarned || !isLoopback(request.ip) || isDirect(request)) return
    hasWarned = true
    request.log.warn('a proxy on this machine is not in TRUST_PROXY: all its visitors count as one')
  }

  return {
    countUpload(request) {
      warnOfProxy(request)
      return uploads(request, true)
    },
    enterUpload: (request, reply) => whenClosed(reply, enterOwnUpload(request)),
    async countMiss(request, ask) {
      await misses(request, false)
      try {
        return await ask()
      } catch (error) {
        if (hasCode(error, 'not-found')) await misses(request, true)
        throw error
      }
    },
    async countGone(request, gone) {
      for (let counted = 0; counted < gone; counted += GONE_A_MISS) await misses(request, true)
    },
    enterStream(request, reply) {
      const leaveOwn = enterOwnStream(request)
      try {
        const leave = streams.enter(1)
        whenClosed(reply, () => {
          leave()
          leaveOwn()
        })
      } catch (error) {
        leaveOwn()
        throw error
      }
    },
  }
}

/** Runs it once the answer is written or its caller is gone; at once where that has been. */
function whenClosed({ raw }: FastifyReply, run: () => void): void {
  if (raw.destroyed) run()
  else raw.once('close', run)
}

/** Holds what each visitor has under way to a number: gives the way out, to be called at its end; `overloaded` when it is one too many. */
function limitEach(most: number, message: string): (request: FastifyRequest) => () => void {
  const of = new Map<string, Admission>()
  return request => {
    if (isOwn(request)) return () => {}
    const key = normalizeIP(request.ip)
    const own = of.get(key) ?? createAdmission({ most, message, code: 'overloaded' })
    const leave = own.enter(1)
    of.set(key, own)
    return () => {
      leave()
      if (own.underWay() === 0) of.delete(key)
    }
  }
}

/**
 * Throws once a visitor has been counted more than `max` times in a minute. The library remembers 5,000 addresses, and forgets
 * first who was heard of least lately.
 */
function createCounter(app: FastifyInstance, max: number, message: string) {
  let check: ReturnType<FastifyInstance['createRateLimit']> | undefined
  return async (request: FastifyRequest, increment: boolean): Promise<void> => {
    check ??= app.createRateLimit({ max, timeWindow: MINUTE_MS, allowList: isOwn })
    const counted = await check(request, { increment })
    if (counted.isAllowed || !counted.isExceeded) return
    throw new ServiceError('overloaded', message, { retryAfterSeconds: counted.ttlInSeconds })
  }
}

/** The operator, the tests and the benches, which are on this machine and come without a proxy. */
function isOwn(request: FastifyRequest): boolean {
  return isLoopback(request.ip) && isDirect(request)
}
