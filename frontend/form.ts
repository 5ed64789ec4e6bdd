import type { FastifyRequest } from 'fastify'
import { guardBody, peek, SMALL_BODY_BYTES } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'
import { ServiceError } from '../kit/errors.ts'

/** The field of the form that holds the file. */
const FILE_FIELD = 'uploadfile'
/** Longest silence in the middle of an upload, in ms. */
const IDLE_MS = 30_000

/** What a form may hold beside its file; more is refused. */
export const formLimits = {
  files: 1,
  fields: 10,
  parts: 12,
  fieldNameSize: 100,
  fieldSize: 1_000,
  headerPairs: 20,
}

/**
 * The file of an upload form, as a stream; small ones whole. `bad-request` when the request is no such form, `too-large`
 * when the file is longer than `maxBytes`.
 */
export async function readFile(request: FastifyRequest, maxBytes: number): Promise<Bytes> {
  if (!request.isMultipart())
    throw new ServiceError('bad-request', `An upload is a multipart form with the file field ${FILE_FIELD}.`)
  try {
    for await (const part of request.parts()) {
      if (part.type !== 'file') continue
      if (part.fieldname !== FILE_FIELD) break
      const stream = guardBody(part.file, { maxBytes, idleMs: IDLE_MS })
      return (await peek({ data: stream }, SMALL_BODY_BYTES + 1)).body
    }
  } catch (error) {
    // What the form's reader has no status for is a form that it cannot read.
    if (error instanceof ServiceError || 'statusCode' in (error as object)) throw error
    throw new ServiceError('bad-request', 'The form cannot be read.', { cause: error })
  }
  throw new ServiceError('bad-request', `The form has no file in its field ${FILE_FIELD}.`)
}
