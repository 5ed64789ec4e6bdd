import type { Route } from './contract.ts'
import type { Pace } from './pace.ts'

/**
 * Limits that all six have and that no setting changes. The README's table says each of them, and what is answered; a test holds
 * it against these.
 */
export const limits = {
  /** Bytes of a request line and its headers, and how many headers. */
  headerBytes: 16_384,
  headerCount: 100,
  /** Bytes of a body that is text or JSON. */
  textBodyBytes: 65_536,
  /** Time for a whole request to arrive, in ms. */
  requestMs: 300_000,
  /** Time for the answer to a small question, with the 60 s that it may ask to wait, in ms; and to a body of bytes, with its arrival. */
  handlerMs: 75_000,
  uploadMs: 360_000,
  /** Time for a whole answer that is streamed, in ms; a stream of events is such a one. */
  answerMs: 3_600_000,
  /** How long a connection without a request is kept, in ms: to visitors, and between services. */
  visitorIdleMs: 30_000,
  idleMs: 72_000,
  /**
   * How long another service may leave an answer lie before it is cut, in ms: a worker leaves an upload unread until a thread
   * is free, which takes as long as a swap may.
   */
  innerReaderMs: 120_000,
  /** Requests that a visitor's connection may bring. Services, which keep theirs for good, are not counted: that has its price. */
  visitorRequests: 10_000,
  /** Requests that a connection may bring before the one ahead of them is answered; they wait for it. */
  requestsAhead: 16,
} as const

/** Bytes a second that a sender, or a visitor who reads, must manage. */
export const LEAST_BYTES_PER_SECOND = 1_000

/** The pace of who is given `patienceMs`. */
export const paceOf = (patienceMs: number): Pace => ({
  windowMs: patienceMs,
  leastBytes: (patienceMs / 1_000) * LEAST_BYTES_PER_SECOND,
})

/** What settings change, unless they say. */
export const standardLimits = { patienceMs: 20_000, maxConnections: 4_000 } as const

/** How long a route may take, in ms: Fastify counts the arrival of the body and the sending of the answer as well. */
export function handlerMsOf({ body, mayStream }: Route): number {
  if (mayStream) return limits.answerMs
  return body === 'bytes' || body === 'form' ? limits.uploadMs : limits.handlerMs
}
