import { Readable } from 'node:stream'
import type { FastifyRequest } from 'fastify'
import type { ZodError } from 'zod'
import { collectBody, guardBody, SMALL_BODY_BYTES } from './body.ts'
import type { Bytes, QueryOf, Route } from './contract.ts'
import { ServiceError } from './errors.ts'
import { limits } from './limits.ts'
import type { Pace } from './pace.ts'

/** The parameters as the contract has them; `bad-request` names the first that is wrong. Unknown ones are ignored. */
export function readQuery<R extends Route>(route: R, given: Record<string, unknown>): QueryOf<R> {
  const parsed = route.query.safeParse(given)
  if (parsed.success) return parsed.data as QueryOf<R>
  throw new ServiceError('bad-request', explain(parsed.error, given, 'parameter'))
}

function explain(error: ZodError, given: unknown, what: string): string {
  const issue = error.issues[0]
  const name = issue?.path[0]
  if (name === undefined) return `The ${what} is not what this route takes.`
  const value = (given as Record<PropertyKey, unknown>)[name]
  if (Array.isArray(value)) return `The ${what} ${String(name)} is given twice.`
  if (value === undefined) return `The ${what} ${String(name)} is missing.`
  return `The ${what} ${String(name)} ${issue?.message ?? 'is wrong'}.`
}

export interface BodyReading {
  /** Most bytes of a body of bytes. */
  readonly maxBodyBytes: number
  readonly pace: Pace
}

/** A route whose body is read here; a form is read by who handles it. */
type RouteWithBody = Route & { readonly body: Exclude<Route['body'], 'none' | 'form'> }

export const hasBody = (route: Route): route is RouteWithBody =>
  route.body !== 'none' && route.body !== 'form'

/** The body as the contract has it: a stream or bytes, text, checked JSON. */
export async function readBody(
  route: RouteWithBody,
  request: FastifyRequest,
  { maxBodyBytes, pace }: BodyReading,
): Promise<unknown> {
  const length =
    request.headers['content-length'] === undefined ? undefined : Number(request.headers['content-length'])
  const maxBytes = route.body === 'bytes' ? maxBodyBytes : limits.textBodyBytes
  if (length !== undefined && length > maxBytes)
    throw new ServiceError('too-large', `The body is larger than ${maxBytes} bytes.`)
  const source = request.body instanceof Readable ? request.body : Readable.from([])
  const limited = { maxBytes, pace }
  if (route.body === 'bytes') {
    if (length === undefined || length > SMALL_BODY_BYTES)
      return { data: guardBody(source, limited), length } satisfies Bytes
    const data = await collectBody(source, limited)
    return { data, length: data.length } satisfies Bytes
  }
  const text = (await collectBody(source, limited)).toString('utf8')
  if (route.body === 'text') return text
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ServiceError('bad-request', 'The body is not JSON.')
  }
  const parsed = route.body.safeParse(value)
  if (!parsed.success) throw new ServiceError('bad-request', explain(parsed.error, value ?? {}, 'field'))
  return parsed.data
}
