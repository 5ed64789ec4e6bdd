import { Readable } from 'node:stream'
import * as z from 'zod'
import { collect, discard, peek } from './body.ts'
import type { AnswerOf, BodyOf, Bytes, Contract, QueryOf, Route } from './contract.ts'
import {
  asRetrySeconds,
  codeOfStatus,
  type ErrorCode,
  oneLine,
  ServiceError,
  statusOfCode,
} from './errors.ts'
import { isNetworkFailure, type Response } from './peer.ts'
import type { Transport } from './transport.ts'

/** Most bytes of an answer that is not a stream. */
const ANSWER_BYTES = 4 * 1024 * 1024
/** Most bytes that are read of a refusal. */
const REFUSAL_BYTES = 8 * 1024

/** A refusal as JSON; a code that is none of ours is not believed. */
const refusal = z.object({
  error: z.object({ code: z.enum(Object.keys(statusOfCode) as ErrorCode[]), message: z.string() }),
})

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** Said this way it may not be said twice, whatever holds for its route: it is not sent again when an answer got lost. */
  readonly isOnce?: boolean
}

type Caller<R extends Route> =
  BodyOf<R> extends undefined
    ? (query: QueryOf<R>, options?: CallOptions) => Promise<AnswerOf<R>>
    : (query: QueryOf<R>, options: CallOptions & { readonly body: BodyOf<R> }) => Promise<AnswerOf<R>>

/** A function a route: parameters in, the checked answer out; a refusal is thrown as the `ServiceError` it was there. */
export type Client<C extends Contract> = { readonly [N in keyof C['routes']]: Caller<C['routes'][N]> }

/** The typed client of a contract. It believes an answer by its body, since originals say 200 to much. */
export function createClient<const C extends Contract>(contract: C, transport: Transport): Client<C> {
  const callers = Object.entries(contract.routes).map(([name, route]) => [
    name,
    createCaller(contract.service, route, transport),
  ])
  return Object.fromEntries(callers)
}

function createCaller(service: string, route: Route, transport: Transport) {
  return async (query: Record<string, unknown>, options: CallOptions & { body?: unknown } = {}) => {
    const parameters = new URLSearchParams()
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) parameters.set(name, String(value))
    const search = parameters.size === 0 ? '' : `?${parameters}`
    const response = await transport.send({
      method: route.method,
      path: route.path + search,
      body: encodeBody(route, options.body),
      isPoll: Number(query.wait ?? 0) > 0,
      isDownload: route.reply.kind === 'bytes',
      isIdempotent: route.isIdempotent && options.isOnce !== true,
      signal: options.signal,
    })
    try {
      return await readAnswer(route, response)
    } catch (error) {
      if (options.signal?.aborted || !isNetworkFailure(error)) throw error
      throw new ServiceError('unavailable', `The ${service} service broke off its answer.`, { cause: error })
    }
  }
}

function encodeBody(route: Route, body: unknown): Bytes | undefined {
  if (route.body === 'none') return undefined
  if (route.body === 'bytes') return body as Bytes
  const data = Buffer.from(route.body === 'text' ? (body as string) : JSON.stringify(body))
  return { data, length: data.length }
}

async function readAnswer(route: Route, response: Response): Promise<unknown> {
  if (response.status === 204 && route.reply.kind === 'json' && route.reply.optional) {
    discard({ data: response.body })
    return undefined
  }
  if (response.status !== 200) throw await readRefusal(response)
  switch (route.reply.kind) {
    case 'bytes':
      return readBytes(response, route.reply.startsWith)
    case 'lines':
      return splitLines(response.body)
    default: {
      const text = (await collect(response.body, ANSWER_BYTES)).toString('utf8')
      const { schema, value } = readShort(route.reply, text)
      const checked = schema.safeParse(value)
      if (checked.success) return checked.data
      throw new ServiceError('bad-answer', text.replace(/^Error: /, '') || 'An empty answer.')
    }
  }
}

type ShortReply = Exclude<Route['reply'], { kind: 'bytes' | 'lines' }>

/** What is said, and what it has to be. Where it may be either, JSON is told by its brace: text is one of a few words. */
function readShort(reply: ShortReply, text: string): { schema: z.ZodType; value: unknown } {
  if (reply.kind === 'json') return { schema: reply.schema, value: parse(text) }
  if (reply.kind === 'textOrJson' && text.startsWith('{')) return { schema: reply.json, value: parse(text) }
  return { schema: reply.schema, value: text.trim() }
}

async function readBytes({ headers, body: data }: Response, startsWith: Buffer): Promise<Bytes> {
  const length = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
  const { first, body } = await peek({ data, length }, startsWith.length)
  const keptUntil = Date.parse(String(headers.sunset))
  if (first.equals(startsWith)) return Number.isNaN(keptUntil) ? body : { ...body, keptUntil }
  discard(body)
  throw new ServiceError('bad-answer', 'The answer is not what was asked for.')
}

/** The refusal as it was thrown on the other side. An original says 400 to whatever it does not have. */
async function readRefusal({ status, headers, body, isOriginal }: Response): Promise<ServiceError> {
  const text = await collect(body, REFUSAL_BYTES).then(String, () => '')
  const said = refusal.safeParse(parse(text))
  const options = { retryAfterSeconds: readRetryAfter(headers['retry-after']) }
  if (said.success) return new ServiceError(said.data.error.code, said.data.error.message, options)
  const code = isOriginal && status === 400 ? 'not-found' : codeOfStatus(status)
  return new ServiceError(code, oneLine(text).replace(/^Error: /, ''), options)
}

/** The seconds of a `Retry-After` (RFC 9110, 10.2.3), carried on to our own caller; none of ours names a date. */
function readRetryAfter(value: string | string[] | undefined): number | undefined {
  return typeof value === 'string' && /^[0-9]{1,4}$/.test(value)
    ? asRetrySeconds(Number(value) * 1_000)
    : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function* splitLines(body: Response['body']): AsyncGenerator<string> {
  let rest = ''
  const stream = Buffer.isBuffer(body) ? Readable.from(body, { objectMode: false }) : body
  // Decoded by the stream: a character may be cut in two between pieces.
  for await (const piece of stream.setEncoding('utf8')) {
    const parts = (rest + piece).split('\n')
    rest = parts.pop() ?? ''
    yield* parts
  }
  if (rest !== '') yield rest
}
