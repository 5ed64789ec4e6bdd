import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { collectBody, guardBody, peek, SMALL_BODY_BYTES, tooSlow } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'
import { ServiceError } from '../kit/errors.ts'
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
  fieldNameSize: 100,
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
 * file is longer than `maxBytes`, `request-timeout` when it comes too slowly, the file or what stands before it.
 */
export async function readFile(request: FastifyRequest, limits: FormLimits): Promise<Bytes> {
  const watch = watchForm(request.raw, limits.pace)
  try {
    return await Promise.race([findFile(request, limits), watch.late])
  } catch (error) {
    // What the form's reader has no status for is a form that it cannot read.
    if (error instanceof ServiceError || 'statusCode' in (error as object)) throw error
    throw new ServiceError('bad-request', 'The form cannot be read.', { cause: error })
  } finally {
    watch.stop()
  }
}

async function findFile(request: FastifyRequest, limits: FormLimits): Promise<Bytes> {
  const announced = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  for await (const part of request.parts()) {
    if (part.type !== 'file') continue
    if (part.fieldname !== FILE_FIELD) break
    if (announced <= SMALL_BODY_BYTES) {
      const data = await collectBody(part.file, limits)
      return { data, length: data.length }
    }
    const stream = guardBody(part.file, limits)
    return (await peek({ data: stream }, SMALL_BODY_BYTES + 1)).body
  }
  throw new ServiceError('bad-request', `The form has no file in its field ${FILE_FIELD}.`)
}

/** Watches how fast a form comes: the file has a guard of its own, once it is found. */
function watchForm(raw: IncomingMessage, pace: Pace): { readonly late: Promise<never>; stop(): void } {
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
  return { late, stop: () => clearInterval(timer) }
}
