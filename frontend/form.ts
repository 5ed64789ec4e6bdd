import type { FastifyRequest } from 'fastify'
import { collectBody, guardBody, peek, SMALL_BODY_BYTES, tooSlow } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'
import { ServiceError, statusOfCode } from '../kit/errors.ts'
import { createPacer, LOOKS, type Pace } from '../kit/pace.ts'

/** The field of the form that holds the file. */
const FILE_FIELD = 'uploadfile'
/** Most bytes of a form beside its file. */
export const FORM_BYTES = 65_536

/** What a form may hold beside its file; more is refused. */
export const formLimits = {
  files: 1,
  fields: 10,
  parts: 12,
  fieldSize: 1_000,
  headerPairs: 20,
}

export interface FormLimits {
  /** Most bytes of the file. */
  readonly maxBytes: number
  /** What the sender must manage. */
  readonly pace: Pace
}

/**
 * What a request says of its form before a byte of it is read: its length, `undefined` when it does not say. `bad-request`
 * when it is no form, `too-large` when its file would be longer than `maxBytes`.
 */
export function readAnnouncement(request: FastifyRequest, maxBytes: number): number | undefined {
  if (!request.isMultipart())
    throw new ServiceError('bad-request', `An upload is a multipart form with the file field ${FILE_FIELD}.`)
  const length = request.headers['content-length']
  if (length === undefined) return undefined
  if (Number(length) > maxBytes + FORM_BYTES)
    throw new ServiceError('too-large', `The file is larger than ${maxBytes} bytes.`)
  return Number(length)
}

/**
 * The file of an upload form, as a stream; small ones whole. `bad-request` when there is none in it, `too-large` when the
 * file is longer than `maxBytes` or there is another one, `request-timeout` when the form comes too slowly. What stands behind
 * the file is judged before the file counts as whole: then the stream fails.
 */
export function readFile(request: FastifyRequest, limits: FormLimits): Promise<Bytes> {
  return watched(request, limits.pace, findFile(request, limits))
}

async function findFile(request: FastifyRequest, limits: FormLimits): Promise<Bytes> {
  const announced = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  const parts = request.parts()
  for (;;) {
    const { done, value: part } = await parts.next()
    if (done || (part.type === 'file' && part.fieldname !== FILE_FIELD)) break
    if (part.type !== 'file') continue
    if (announced <= SMALL_BODY_BYTES) {
      const data = await collectBody(part.file, limits)
      await readRest(parts)
      return { data, length: data.length }
    }
    const onEnd = () => watched(request, limits.pace, readRest(parts))
    const stream = guardBody(part.file, { ...limits, onEnd })
    return (await peek({ data: stream }, SMALL_BODY_BYTES + 1)).body
  }
  throw new ServiceError('bad-request', `The form has no file in its field ${FILE_FIELD}.`)
}

/** Reads what a form has behind its file: the library refuses another file, and too many fields. */
async function readRest(parts: AsyncIterator<unknown>): Promise<void> {
  while (!(await parts.next()).done);
}

/** Gives what is read of a form, unless it comes too slowly: the file has a guard of its own. */
async function watched<T>({ raw }: FastifyRequest, pace: Pace, reading: Promise<T>): Promise<T> {
  const pacer = createPacer(pace)
  let seen = raw.socket.bytesRead
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setInterval(() => {
      const isTooSlow = pacer.isTooSlow(!raw.isPaused(), raw.socket.bytesRead - seen)
      seen = raw.socket.bytesRead
      if (isTooSlow) reject(tooSlow())
    }, pace.windowMs / LOOKS)
  })
  try {
    return await Promise.race([reading, late])
  } catch (error) {
    // What the form's reader says of a limit is clear; all else is a form that it cannot read.
    const isOverLimit = (error as { statusCode?: number }).statusCode === statusOfCode['too-large']
    if (error instanceof ServiceError || isOverLimit) throw error
    throw new ServiceError('bad-request', 'The form cannot be read.', { cause: error })
  } finally {
    clearInterval(timer)
  }
}
