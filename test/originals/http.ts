import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'

/** What an original's handler gets: it reads the body by itself, if it cares. */
export interface Asked {
  readonly query: URLSearchParams
  readonly request: IncomingMessage
}

export interface Told {
  readonly status: number
  readonly body: Buffer | string
  readonly type?: string
}

export type Routes = Readonly<Record<string, (asked: Asked) => Told | Promise<Told>>>

/** A line, as the originals say almost everything. */
export const say = (body: Buffer | string): Told => ({ status: 200, body })
/** Whatever an original does not like. */
export const refuse = (line: string): Told => ({ status: 400, body: `Error: ${line.trim()}\n` })

const agent = new Agent({ keepAlive: true })

/** Serves routes by path, each with its method: another one is 400, another path 404. Bodies come out chunked. */
export function serve(port: number, methods: Readonly<Record<string, Routes>>): Promise<void> {
  const paths = new Set(Object.values(methods).flatMap(routes => Object.keys(routes)))
  const answer = async (request: IncomingMessage): Promise<Told> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://original')
    if (!paths.has(pathname)) return { status: 404, body: '404 page not found\n' }
    const handler = methods[request.method ?? '']?.[pathname]
    return handler === undefined ? refuse('Wrong method.') : handler({ query: searchParams, request })
  }
  const write = (response: ServerResponse, { status, body, type = 'text/plain; charset=utf-8' }: Told) => {
    response.writeHead(status, { 'content-type': type })
    response.write(body)
    response.end()
  }
  const server = createServer((request, response) => {
    void answer(request)
      .catch(error => refuse((error as Error).message))
      .then(told => write(response, told))
      .finally(() => request.resume())
  })
  return new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
}

export interface Asking {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  /** Goes as it is, also empty. */
  readonly type?: string
  readonly body?: Buffer | AsyncIterable<Buffer>
}

/** Asks as an original does: no `Accept`, no `Host` but the address, bodies without a length. */
export function ask(url: string, { method = 'GET', type, body }: Asking = {}): Promise<Told> {
  return new Promise((resolve, reject) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
    const asking = request(url, { method, headers, agent }, answer => {
      collect(answer).then(
        bytes => resolve({ status: answer.statusCode ?? 0, body: bytes }),
        error => reject(error),
      )
    })
    asking.on('error', reject)
    const send = async () => {
      if (Buffer.isBuffer(body)) asking.write(body)
      else if (body !== undefined) for await (const piece of body) asking.write(piece)
      asking.end()
    }
    send().catch(error => asking.destroy(error))
  })
}

export async function collect(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** A number in the query, as the originals read one; throws what they say otherwise. */
export function numberOf(query: URLSearchParams, name: string): number {
  const text = query.get(name)
  if (text === null || text === '') throw new Error(`Wrong ${name}.`)
  if (!/^-?\d+$/.test(text)) throw new Error(`strconv.Atoi: parsing "${text}": invalid syntax`)
  if (!Number.isSafeInteger(Number(text)))
    throw new Error(`strconv.Atoi: parsing "${text}": value out of range`)
  return Number(text)
}

/** Looks an address up once, for good; the process ends when there is none. */
export async function findAddress(kv: string, key: string): Promise<string> {
  const { status, body } = await ask(`http://${kv}/get?key=${key}`).catch(() => say(''))
  if (status !== 200 || body.length === 0) {
    process.stderr.write(`Error: ${key} is missing.\n`)
    process.exit(1)
  }
  return String(body)
}

/** Enters an address for ever. */
export async function enter(kv: string, key: string, value: string): Promise<void> {
  await ask(`http://${kv}/set?key=${key}&value=${value}`, { method: 'POST', type: '' })
}

/** The arguments of the command line; the process ends when one is missing. */
export function places(...names: string[]): string[] {
  const given = process.argv.slice(2)
  if (given.length >= names.length) return given
  process.stderr.write(`Error: usage: ${names.join(' ')}\n`)
  process.exit(1)
}

export const portOf = (address: string) => Number(address.split(':').at(-1))
