import type { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Dispatcher, Pool } from 'undici'
import { collect, SMALL_BODY_BYTES } from './body.ts'
import { confirmed, createConnector, schemeOf } from './connector.ts'
import { health } from './contract.ts'
import type { Credentials } from './credentials.ts'
import { ServiceError } from './errors.ts'
import { type Answer, exchange } from './exchange.ts'

/** How long a connection may take to come about, in ms: an address that swallows packets must not hold anyone up. */
export const CONNECT_MS = 500
/** The same over TLS, which both sides have to work for. */
export const TLS_CONNECT_MS = 2_000
/** How long a peer may take to say who it is, in ms. */
export const HEALTH_MS = 1_000
/** How long an answer may take to begin, in ms: to a small question, to a large body; a poll has its wait besides. */
export const ASK_MS = 10_000
export const STREAM_MS = 60_000
export const POLL_MS = 75_000
/** Longest silence in the middle of an answer, in ms. */
export const BODY_MS = 30_000
/** How long an idle connection is kept, in ms: shorter than the servers keep theirs, so that none ends under a request. */
export const KEEP_ALIVE_MS = 30_000

/** An entry of the kv-store: an address, and who is said to be there; originals register without an instance. */
export interface Entry {
  readonly value: string
  readonly instance?: string | undefined
}

/** What goes out with a request. */
export interface Outgoing {
  readonly data: Buffer | AsyncIterable<Buffer>
  readonly length?: number | undefined
}

export interface Request {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  /** Asks to wait for an answer: goes over connections of its own, or it would lock out everything else. */
  readonly isPoll: boolean
  /** Answered with bytes, which a slow reader may keep under way for long: the same. */
  readonly isDownload: boolean
  readonly isIdempotent: boolean
  readonly signal?: AbortSignal | undefined
}

export interface Response extends Answer {
  readonly isOriginal: boolean
}

export interface Peer {
  readonly entry: Entry
  /** Said who it is, and no connection to it is known to have ended since: the process behind the address is still the same. */
  isVerified(): boolean
  /** True when it knows no /health: a service of the original system. */
  isOriginal(): boolean
  /**
   * For how long it has said nothing although it owes answers, in ms; 0 when it owes none. Polls may take their time, and
   * large bodies take that of their senders: those do not count.
   */
  silentMs(): number
  /** How many answers it owes, of those that count. */
  owes(): number
  /** Asks who is there; rejects when nobody is, or somebody else. One question at a time serves all who wait. */
  verify(): Promise<void>
  send(request: Request, body: Outgoing | undefined): Promise<Response>
  /** Lets what is under way end, then closes its connections. */
  retire(): Promise<void>
  /** Closes its connections at once. */
  close(): Promise<void>
}

export interface PeerOptions {
  readonly entry: Entry
  /** The service that has to be there. */
  readonly service: string
  readonly secret?: string | undefined
  /** Shown to it, and what its own are held against; without them nothing is encrypted. */
  readonly credentials?: Credentials | undefined
}

/** One address of another service, its connections, and whether it is who it should be. */
export function createPeer({ entry, service, secret, credentials }: PeerOptions): Peer {
  const origin = `${schemeOf(credentials)}://${entry.value}`
  // Nothing is unpacked here, so nothing packed is asked for.
  const headers: Record<string, string> = { accept: 'application/json, */*', 'accept-encoding': 'identity' }
  if (secret !== undefined) headers.authorization = `Bearer ${secret}`
  let isVerified = false
  let isOriginal = false
  let verifying: Promise<void> | undefined
  /** Connections that it has, but for the one over which it is asked who it is. */
  let standing = 0
  let owed = 0
  /** When it last said something, or began to owe something, in ms of `performance.now()`. */
  let heardAt = 0

  const connect = createConnector(credentials, credentials === undefined ? CONNECT_MS : TLS_CONNECT_MS)
  /**
   * Of a process that is gone no connection is left when another one has its address: their ends have come by the time that the
   * new connection stands, but this process may not have heard of them yet. It has once it has read what there is to be read,
   * which it does before the next turn, and has closed what has ended, which it does before the one after that.
   */
  const confirm = async () => {
    await nextTurn()
    await nextTurn()
    if (!isVerified) await verify()
  }
  const openPool = (connections: number | null, headersTimeout: number, connector: typeof connect) =>
    new Pool(origin, {
      connections,
      pipelining: 1,
      connect: connector,
      headersTimeout,
      bodyTimeout: BODY_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Whatever the server says of its own patience.
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    })
  const openWatched = (connections: number | null, headersTimeout: number) =>
    openPool(connections, headersTimeout, confirmed(connect, confirm))
      .on('connect', () => {
        standing += 1
      })
      .on('disconnect', () => {
        standing -= 1
        isVerified = false
      })
  // Small questions, held polls, large bodies and downloads each have connections of their own, so that none waits for
  // another; so has the question who is there, for whose answer all others wait. Whoever asks for polls and downloads, or
  // sends large bodies, sees to it that there are not too many: who waited for a connection would not be told.
  const asks = openWatched(32, ASK_MS)
  const polls = openWatched(null, POLL_MS)
  const uploads = openWatched(null, STREAM_MS)
  const downloads = openWatched(null, STREAM_MS)
  const doorbell = openPool(1, HEALTH_MS, connect).on('disconnect', () => {
    // While others stand they say enough.
    if (standing === 0) isVerified = false
  })
  const pools = [asks, polls, uploads, downloads, doorbell]

  const askWho = async () => {
    const { status, body } = await exchange(
      doorbell,
      { method: 'GET', path: '/health', headers: { accept: '*/*', 'accept-encoding': 'identity' } },
      AbortSignal.timeout(HEALTH_MS),
    )
    const text = (await collect(body, SMALL_BODY_BYTES)).toString()
    if (status >= 500) throw new Error('nobody who can say who it is')
    const said = status === 200 ? health.safeParse(parse(text)) : undefined
    const who = said?.data
    if (who !== undefined && who.service !== service) throw new Error(`${who.service} instead of ${service}`)
    if (entry.instance !== undefined && who?.instance !== entry.instance) throw new Error('another instance')
    if (who?.leaving === true) throw new Error('about to end')
    isOriginal = who === undefined
    isVerified = true
  }

  const verify = () => {
    verifying ??= askWho().finally(() => {
      verifying = undefined
    })
    return verifying
  }

  return {
    entry,
    isVerified: () => isVerified,
    isOriginal: () => isOriginal,
    silentMs: () => (owed === 0 ? 0 : performance.now() - heardAt),
    owes: () => owed,
    verify,
    async send({ method, path, isPoll, isDownload, signal }, body) {
      // undici takes any iterable; its types know streams alone.
      const data = (body?.data ?? null) as Buffer | Readable | null
      const options: Dispatcher.DispatchOptions = { method, path, headers, body: data }
      if (body?.length !== undefined && !Buffer.isBuffer(body.data))
        options.headers = { ...headers, 'content-length': String(body.length) }
      const isSmall =
        body === undefined || (Buffer.isBuffer(body.data) && body.data.length <= SMALL_BODY_BYTES)
      const pool = isPoll ? polls : isDownload ? downloads : isSmall ? asks : uploads
      const isOwed = pool === asks || pool === downloads
      if (isOwed && owed++ === 0) heardAt = performance.now()
      try {
        const answer = await exchange(pool, options, signal)
        heardAt = performance.now()
        return { status: answer.status, headers: answer.headers, body: answer.body, isOriginal }
      } finally {
        if (isOwed) owed -= 1
      }
    },
    async retire() {
      await Promise.all(pools.map(pool => pool.close()))
    },
    async close() {
      await Promise.all(pools.map(pool => pool.destroy()))
    },
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** True for what went wrong on the way, and not in the body that was being sent. */
export function isNetworkFailure(error: unknown): boolean {
  return /^(E[A-Z]+|(UND_ERR|HPE|ERR_SSL)_[A-Z0-9_]+)$/.test((error as { code?: string }).code ?? '')
}

/** What a failure of the network is to a caller, who may come back after `retryAfterSeconds`. */
export function asUnavailable(error: unknown, service: string, retryAfterSeconds: number): ServiceError {
  const message = `The ${service} service cannot be reached now.`
  return new ServiceError('unavailable', message, { cause: error, retryAfterSeconds })
}
