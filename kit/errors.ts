/** Every code a refusal can carry, with the HTTP status it is sent as. The list is closed: clients branch on it. */
export const statusOfCode = {
  'bad-request': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  conflict: 409,
  'too-large': 413,
  'uri-too-long': 414,
  'unsupported-type': 415,
  unprocessable: 422,
  overloaded: 429,
  'headers-too-large': 431,
  internal: 500,
  unavailable: 503,
  'bad-answer': 503,
  /** Of a disk: what is there cannot be read now. */
  unreadable: 503,
  'disk-full': 507,
} as const

export type ErrorCode = keyof typeof statusOfCode

export interface RefusalOptions {
  readonly cause?: unknown
  readonly retryAfterSeconds?: number | undefined
}

/**
 * A refusal: something expected that a caller may act on. Thrown by services and engines, sent as a status and one
 * line of text, and thrown again with the same code by the client on the other side. Anything else thrown is a bug.
 */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ErrorCode
  /** When it may be worth coming back, in seconds, where somebody could estimate it. */
  readonly retryAfterSeconds: number | undefined

  /** `message` is one line for the caller: no path, no stack, no other service's address. */
  constructor(code: ErrorCode, message: string, options: RefusalOptions = {}) {
    super(oneLine(message), options)
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return statusOfCode[this.code]
  }
}

/** An estimate in ms as what `Retry-After` says: whole seconds, from 1 to 60. */
export function asRetrySeconds(ms: number): number {
  return Math.min(Math.max(Math.ceil(ms / 1_000), 1), 60)
}

/** True for a `ServiceError` with one of these codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is ServiceError {
  return error instanceof ServiceError && codes.includes(error.code)
}

/** The code that stands for an HTTP status of a peer; a status nobody promised counts as `bad-answer`. */
export function codeOfStatus(status: number): ErrorCode {
  const found = Object.entries(statusOfCode).find(([, known]) => known === status)
  return (found?.[0] as ErrorCode | undefined) ?? 'bad-answer'
}

/** Text made fit for one line of an answer: no control characters, at most 500 characters. */
export function oneLine(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
      .replace(/[\u0000-\u001f\u007f]+/g, ' ')
      .trim()
      .slice(0, 500)
  )
}
