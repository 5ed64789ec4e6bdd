import type { Readable } from 'node:stream'
import * as z from 'zod'

/** A body of bytes: whole, or a stream, with its length in bytes where that is known beforehand. */
export interface Bytes {
  readonly data: Buffer | Readable
  readonly length?: number | undefined
  /** When it may be gone from where it came from, in ms of the wall clock; told as `Sunset` (RFC 8594), in whole seconds. */
  readonly keptUntil?: number | undefined
}

/** What a route answers with status 200; `optional` ones may also answer 204, which stands for `undefined`. */
export type Reply =
  | { readonly kind: 'text'; readonly schema: z.ZodType<string>; readonly optional?: boolean }
  | { readonly kind: 'json'; readonly schema: z.ZodType; readonly optional?: boolean }
  | { readonly kind: 'textOrJson'; readonly schema: z.ZodType<string>; readonly json: z.ZodType }
  | { readonly kind: 'lines' }
  | { readonly kind: 'bytes'; readonly type: string; readonly startsWith: Buffer }

/**
 * What a route reads as its body: nothing, a stream of bytes, a short text, or JSON of a shape. A form is read by its
 * handler, part by part.
 */
export type Body = 'none' | 'bytes' | 'text' | 'form' | z.ZodType

/** One route, the only definition of it: the server, the client and the types all come from here. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly query: z.ZodObject
  readonly body: Body
  readonly reply: Reply
  /** Saying it twice does no more than saying it once, so a client may send it again when an answer got lost. */
  readonly isIdempotent: boolean
  /** Its answer is, or may be, sent bit by bit, and so take long: bytes, lines, events. */
  readonly mayStream: boolean
  readonly summary: string
}

/** A service's whole surface. `key` is where its address stands in the kv-store. */
export interface Contract {
  readonly service: string
  readonly key?: string
  readonly routes: Readonly<Record<string, Route>>
}

export type QueryOf<R extends Route> = z.output<R['query']>
export type BodyOf<R extends Route> = R['body'] extends 'none' | 'form'
  ? undefined
  : R['body'] extends 'bytes'
    ? Bytes
    : R['body'] extends 'text'
      ? string
      : R['body'] extends z.ZodType
        ? z.output<R['body']>
        : never
type ValueOf<P extends Reply> = P extends { kind: 'bytes' }
  ? Bytes
  : P extends { kind: 'lines' }
    ? AsyncIterable<string>
    : P extends { schema: infer S extends z.ZodType; json: infer J extends z.ZodType }
      ? z.output<S> | z.output<J>
      : P extends { schema: infer S extends z.ZodType }
        ? z.output<S>
        : never
export type AnswerOf<R extends Route> =
  | ValueOf<R['reply']>
  | (R['reply'] extends { optional: true } ? undefined : never)

interface RouteParts<Q extends z.ZodRawShape, B extends Body, P extends Reply> {
  readonly query?: Q
  readonly body?: B
  readonly reply: P
  readonly isIdempotent?: boolean
  readonly mayStream?: boolean
  readonly summary: string
}

/** `NoInfer`: a route's type comes from its parts alone, never from where it is put. */
export interface DefinedRoute<
  M extends Route['method'],
  Q extends z.ZodRawShape,
  B extends Body,
  P extends Reply,
> {
  readonly method: M
  readonly path: string
  readonly query: z.ZodObject<NoInfer<Q>>
  readonly body: NoInfer<B>
  readonly reply: NoInfer<P>
  readonly isIdempotent: boolean
  readonly mayStream: boolean
  readonly summary: string
}

function defineRoute<M extends Route['method']>(method: M) {
  return <const P extends Reply, Q extends z.ZodRawShape = Record<never, never>, B extends Body = 'none'>(
    path: string,
    parts: RouteParts<Q, B, P>,
  ): DefinedRoute<M, Q, B, P> => ({
    method,
    path,
    query: z.object(parts.query ?? ({} as Q)) as z.ZodObject<NoInfer<Q>>,
    body: parts.body ?? ('none' as B),
    reply: parts.reply,
    isIdempotent: parts.isIdempotent ?? method !== 'POST',
    mayStream: parts.mayStream ?? (parts.reply.kind === 'bytes' || parts.reply.kind === 'lines'),
    summary: parts.summary,
  })
}

/** Define a route: `get('/getById', { query: { id }, reply: json(task), summary: '…' })`. */
export const get = defineRoute('GET')
export const post = defineRoute('POST')
export const del = defineRoute('DELETE')

/** A text answer that is exactly one of what `schema` allows. */
export const text = <S extends z.ZodType<string>>(schema: S) => ({ kind: 'text', schema }) as const
/** A JSON answer. */
export const json = <S extends z.ZodType>(schema: S) => ({ kind: 'json', schema }) as const
/** A JSON answer, or 204 for nothing. */
export const optionalJson = <S extends z.ZodType>(schema: S) =>
  ({ kind: 'json', schema, optional: true }) as const
/** A text answer, or JSON where there is more to say. */
export const textOrJson = <S extends z.ZodType<string>, J extends z.ZodType>(schema: S, more: J) =>
  ({ kind: 'textOrJson', schema, json: more }) as const
/** A text answer of any number of lines, streamed. */
export const lines = { kind: 'lines' } as const
/** An answer of bytes; a client believes it only if it begins with `startsWith`. */
export const bytes = (type: string, startsWith: Buffer) => ({ kind: 'bytes', type, startsWith }) as const

/** The answer to what is done, and on disk where it has to be, once it is answered. */
export const done = 'success' as const
export const success = text(z.literal(done))

const digits = /^(0|[1-9][0-9]{0,15})$/

/** A public id on the wire: decimal digits of an integer from 0 to 2^53-1, no sign, no leading zero. */
export const idText = z
  .string()
  .regex(digits, 'is not an id')
  .refine(value => Number.isSafeInteger(Number(value)), 'is not an id')
/** A required id as a parameter; the handler and the client see a number. */
export const id = idText.transform(Number)
/** Ids with commas between them, from 1 to `most`. */
export const idList = (most: number) =>
  z
    .string()
    .transform(value => value.split(','))
    .pipe(z.array(id).max(most, `has more than ${most} ids`))
/** A whole number as a parameter, from `least` to `most`. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(digits, 'is not a whole number')
    .transform(Number)
    .refine(value => value >= least && value <= most, `is not between ${least} and ${most}`)
/** Seconds a caller is willing to wait for an answer that may come later. 60 at most; more counts as 60. */
export const waitSeconds = z
  .string()
  .regex(/^[0-9]{1,6}$/, 'is not a number of seconds')
  .transform(value => Math.min(Number(value), 60))
/** A parameter that is 0 or 1. */
export const flag = z.enum(['0', '1'], 'is neither 0 nor 1').transform(Number)

/** A first number of a feed that nobody has read yet, or the last one that was read. */
export const revision = wholeNumber(0, Number.MAX_SAFE_INTEGER)

/** What every service answers on /health; further facts may stand beside these. */
export const health = z.looseObject({
  service: z.string(),
  instance: z.string(),
  version: z.string(),
  ready: z.boolean(),
  /** It serves what still comes, and is about to end. */
  leaving: z.boolean().optional(),
})
export type Health = z.infer<typeof health>
/** The one route that all services share. */
export const healthRoute = get('/health', {
  reply: json(health),
  summary: 'who this is, and whether it is ready',
})

/** Names a contract; the type stays exact, so that a wrong call does not compile. */
export const defineContract = <const C extends Contract>(contract: C): C => contract
