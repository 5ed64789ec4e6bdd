/**
 * Why a file is refused: `not-a-png` has no PNG signature, `broken` has one and violates the format,
 * `too-large` asks for more than the limits allow.
 */
export type PngErrorCode = 'not-a-png' | 'broken' | 'too-large'

/** A refusal of the given file. The message is one line for whoever sent it and names what is wrong. */
export class PngError extends Error {
  readonly code: PngErrorCode

  constructor(code: PngErrorCode, message: string) {
    super(message)
    this.name = 'PngError'
    this.code = code
  }
}

/** The error of a file that has the signature and violates the format. */
export function broken(message: string): PngError {
  return new PngError('broken', message)
}
