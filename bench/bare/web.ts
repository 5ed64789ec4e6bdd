import { createServer, type ServerResponse } from 'node:http'
import { pipeline, setDefaultHighWaterMark } from 'node:stream'
import { Pool } from 'undici'
import { collect, SMALL_BODY_BYTES } from '../../kit/body.ts'
import type { Bytes } from '../../kit/contract.ts'
import { type Answer, exchange } from '../../kit/exchange.ts'

/** What streams hold: four times what the services let them, since nobody bounds memory here. */
const STREAM_BYTES = 256 * 1024
const KEEP_ALIVE_MS = 72_000

/** What is asked of a bare service: its query, and the body, small ones whole. */
export interface Asked {
  readonly query: URLSearchParams
  /** As it stands behind the path, with its `?`. */
  readonly search: string
  readonly type: string
  readonly body: Bytes
}

/** What it answers: text, an image, or that there is none. */
export type Said = string | Bytes | undefined

export type Routes = Readonly<Record<string, (asked: Asked) => Said | Promise<Said>>>

/** Asks one bare service; an answer that is not 200 is `undefined`. */
export type Ask = (method: 'GET' | 'POST', path: string, body?: Bytes) => Promise<Answer['body'] | undefined>

/** Serves on loopback. Nothing is refused: what goes wrong ends the process, and so the bench. */
export function serve(port: number, routes: Routes): void {
  setDefaultHighWaterMark(false, STREAM_BYTES)
  const server = createServer(async (request, response) => {
    const url = request.url ?? ''
    const end = url.indexOf('?') < 0 ? url.length : url.indexOf('?')
    const length = Number(request.headers['content-length'] ?? 0)
    const data = length > SMALL_BODY_BYTES ? request : length > 0 ? await collect(request, length) : EMPTY
    const search = url.slice(end)
    const asked = {
      query: new URLSearchParams(search),
      search,
      type: request.headers['content-type'] ?? '',
      body: { data, length },
    }
    answer(response, await routes[url.slice(0, end)]?.(asked))
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.listen(port, '127.0.0.1')
}

function answer(response: ServerResponse, said: Said): void {
  if (said === undefined) return void response.writeHead(204).end()
  const { data, length } = typeof said === 'string' ? { data: Buffer.from(said) } : said
  if (Buffer.isBuffer(data)) return void response.writeHead(200, { 'content-length': data.length }).end(data)
  response.writeHead(200, { 'content-length': length })
  pipeline(data, response, () => {})
}

/** @param url `http://HOST:PORT` of the service. Asks that are held, and large bodies, have connections of their own. */
export function openAsk(url: string): Ask {
  const [small, other] = [new Pool(url, { connections: 16, pipelining: 1 }), new Pool(url, { pipelining: 1 })]
  return async (method, path, body) => {
    const isLong = path.includes('wait=') || (body?.length ?? 0) > SMALL_BODY_BYTES
    const headers = body === undefined ? {} : { 'content-length': String(body.length) }
    const question = { method, path, headers, body: body?.data ?? null }
    const { status, body: said } = await exchange(isLong ? other : small, question)
    return status === 200 ? said : undefined
  }
}

export const textOf = (body: Answer['body'] | undefined) => String(body ?? '')

const EMPTY = Buffer.alloc(0)
