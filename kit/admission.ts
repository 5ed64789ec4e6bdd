import { asRetrySeconds, type ErrorCode, ServiceError } from './errors.ts'

/** What has ended counts for the pace of things for about this long, in ms. */
const MEMORY_MS = 10_000
/** Latest time to come back that anyone is told, in ms. */
const LONGEST_MS = 60_000
/** What any upload counts as at least, in bytes: an upload of a few bytes has buffers and connections as well. */
const LEAST_BYTES = 1_000_000

export interface AdmissionOptions {
  /** Most units under way at once: bytes, pixels, streams, ... */
  readonly most: number
  /** One line for whoever is refused. */
  readonly message: string
  /** `unavailable` unless said: it is the service that is full. `overloaded` where it is the caller who has too much. */
  readonly code?: ErrorCode
  /** Milliseconds that only rise; of the process unless said. */
  readonly clock?: () => number
}

/** A limit on what is under way at once. */
export interface Admission {
  /**
   * Lets these units in, and gives the way out, to be called in the end, however it ended. Refuses when there is no room.
   * Whatever comes while nothing is under way is let in.
   */
  enter(units: number): () => void
  /** Units under way now. */
  underWay(): number
}

/**
 * Who is refused is told when there will be room for him, by how fast things have been ending lately and by who was
 * refused before him: each gets a later time than the one before, or all would come back at once.
 */
export function createAdmission(options: AdmissionOptions): Admission {
  const { most, message, code = 'unavailable', clock = () => performance.now() } = options
  let underWay = 0
  /** Units a ms, a mean in which what is long ago counts less and less, as it was at `ratedAt`. */
  let rate = 0
  let ratedAt = clock()
  /** When there will be room for all who were refused so far, if they come back. */
  let promisedUntil = 0

  const rateAt = (now: number) => rate * Math.exp((ratedAt - now) / MEMORY_MS)

  const leave = (units: number) => {
    const now = clock()
    rate = rateAt(now) + units / MEMORY_MS
    ratedAt = now
    underWay -= units
  }

  const refuse = (units: number): ServiceError => {
    const now = clock()
    // As long as nothing has ended that would tell.
    const pace = rateAt(now) || underWay / MEMORY_MS
    const roomAt = now + (underWay + units - most) / pace
    promisedUntil = Math.min(Math.max(roomAt, promisedUntil + units / pace), now + LONGEST_MS)
    return new ServiceError(code, message, {
      retryAfterSeconds: asRetrySeconds(promisedUntil - now),
    })
  }

  return {
    enter(units) {
      if (underWay > 0 && underWay + units > most) throw refuse(units)
      underWay += units
      let isIn = true
      return () => {
        if (isIn) leave(units)
        isIn = false
      }
    },
    underWay: () => underWay,
  }
}

/** The units of an upload in a limit of bytes: its length, or the most it may have where it does not say. */
export function unitsOf(length: number | undefined, maxBytes: number): number {
  return Math.max(length ?? maxBytes, LEAST_BYTES)
}
