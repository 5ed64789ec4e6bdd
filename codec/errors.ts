/**
 * Why a file is refused: `not-a-png` has no PNG signature, `broken` has one and violates the format,
 * `too-large` asks for more than the limits allow.
 */
export type PngErrorCode = 'not-a-png' | 'broken' | 'too-large'

/**
 * A refusal of the given file. The message is one line for whoever sent it: first what that comes to, in plain words, then what
 * exactly is wrong, for who can do something about it.
 */
export class PngError extends Error {
  readonly code: PngErrorCode

  constructor(code: PngErrorCode, message: string) {
    super(message)
    this.name = 'PngError'
    this.code = code
  }
}

/** The error of a file without the signature. */
export function notPng(): PngError {
  return new PngError('not-a-png', 'this is not a PNG: the file does not begin with the PNG signature')
}

/** The error of a file that has the signature and violates the format in this way. */
export function broken(how: string): PngError {
  return new PngError('broken', `the file is damaged: ${how}`)
}
