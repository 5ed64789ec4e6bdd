import { setTimeout as delay } from 'node:timers/promises'
import { createAllowedHosts, parseAddress } from './address.ts'
import { discard } from './body.ts'
import { HandshakeError, isConnectFailure } from './connector.ts'
import type { Bytes } from './contract.ts'
import type { Credentials } from './credentials.ts'
import { asRetrySeconds, ServiceError } from './errors.ts'
import { Flow } from './flow.ts'
import {
  asUnavailable,
  createPeer,
  type Entry,
  isNetworkFailure,
  type Outgoing,
  type Peer,
  type Request,
  type Response,
} from './peer.ts'

/** How long a caller that finds nobody waits for somebody, in ms, its body unread. */
export const FIND_MS = 5_000
/** Pause between two looks for somebody, in ms. */
const LOOK_MS = 50
/** How long an address that failed is left alone, in ms. */
const DEAD_MS = 100
/** Who has owed answers in silence for so long, in ms, is asked when there is no other: its event loop may stand still. */
export const SILENT_MS = 100

export interface TransportOptions {
  /** The service to be reached. */
  readonly service: string
  /** Shown to every peer; none where the system has none. */
  readonly secret?: string | undefined
  /** Shown to every peer, and what theirs are held against; none where nothing is encrypted. */
  readonly credentials?: Credentials | undefined
  /** True while entries without an instance are believed: those of originals, or an address given by the operator. */
  readonly trustsPlain: boolean
  /** Hosts and networks that data may be sent to, beside loopback. */
  readonly allowedHosts: readonly string[]
  readonly warn: (message: string) => void
  /** A number from 0 to 1, for the order of a round. */
  readonly random?: () => number
}

/** A request with its body as it came. */
export interface Sending extends Request {
  readonly body?: Bytes | undefined
}

/** Sends requests to one of the live instances of a service. */
export interface Transport {
  /**
   * Tries one instance after the other, those that answered lately first; `unavailable` when none can be found in 5 s, or
   * when it does not let this service in. A body that is a stream goes to the next one as well while nothing of it was read.
   */
  send(request: Sending): Promise<Response>
  /** True when who would be asked now is a service of the original system. */
  isOriginal(): Promise<boolean>
  /** Says who is there now. */
  setEntries(entries: readonly Entry[]): void
  close(): Promise<void>
}

interface Slot {
  readonly peer: Peer
  deadUntil: number
}

export function createTransport(options: TransportOptions): Transport {
  const { random = Math.random } = options
  const isAllowed = createAllowedHosts(options.allowedHosts)
  const slots = new Map<string, Slot>()
  let round: Slot[] = []
  /** Since when nobody was found, in ms of `performance.now()`. */
  let awaySince: number | undefined

  /** Who has been away for so long is most likely away for as long again. */
  const refuse = (cause: unknown): ServiceError => {
    const awayMs = performance.now() - (awaySince ?? performance.now())
    return asUnavailable(cause, options.service, asRetrySeconds(awayMs))
  }

  /** It is this service that is not let in: whoever asks it has shown what is wanted, or needs nothing. */
  const shutOut = ({ status, body }: Response): ServiceError => {
    discard({ data: body })
    options.warn(`${options.service} does not let this service in (${status}): is the secret the same?`)
    return new ServiceError('unavailable', `The ${options.service} service cannot be used now.`)
  }

  const isUsable = ({ value, instance }: Entry): boolean => {
    try {
      if (!isAllowed(parseAddress(value).host)) throw new Error('not in an allowed network')
      if (instance === undefined && !options.trustsPlain) throw new Error('without an instance')
      return true
    } catch (error) {
      options.warn(`an address of ${options.service} is not used: ${(error as Error).message}`)
      return false
    }
  }

  const verify = async (slot: Slot): Promise<boolean> => {
    try {
      await slot.peer.verify()
      return true
    } catch (error) {
      if (error instanceof HandshakeError)
        options.warn(`an address of ${options.service} is not believed: ${error.message}`)
      slot.deadUntil = performance.now() + DEAD_MS
      return false
    }
  }

  const living = () => [...slots.values()].filter(slot => slot.deadUntil <= performance.now())

  /**
   * Of the verified peers the one that owes the fewest answers, of several the next in turn. Each round has an order of its own: of
   * two instances, one would otherwise get all uploads of a caller that stores and fetches.
   */
  const takeTurn = (): Slot | undefined => {
    const verified = living().filter(isVerified)
    round = round.filter(slot => verified.includes(slot))
    if (round.length === 0) round = shuffled(verified, random)
    const speaking = [...round, ...verified].filter(isSpeaking)
    const least = Math.min(...speaking.map(({ peer }) => peer.owes()))
    const next = speaking.find(({ peer }) => peer.owes() === least) ?? round[0]
    round = round.filter(slot => slot !== next)
    return next
  }

  /** One of the verified peers; the others are asked who they are, and waited for only if there is no other. */
  const choose = async (): Promise<Slot | undefined> => {
    const all = living()
    const unknown = all.filter(slot => !isVerified(slot))
    const checks = unknown.map(slot => verify(slot).then(isThere => (isThere ? slot : Promise.reject())))
    const verified = all.filter(isVerified)
    if (verified.length === 0) return Promise.any(checks).catch(() => undefined)
    for (const check of checks) check.catch(() => {})
    if (checks.length > 0 && !verified.some(isSpeaking)) {
      // One of the others may be there: its connection has ended, and it is asked who it is. It owes nobody anything.
      const other = await Promise.race([Promise.any(checks), delay(SILENT_MS)]).catch(() => undefined)
      if (other !== undefined) return other
    }
    return takeTurn()
  }

  /** The one that there is, once it has said who it is: then there is nothing to choose, nor to wait for. */
  const only = (): Slot | undefined => {
    if (slots.size !== 1) return undefined
    for (const slot of slots.values())
      if (slot.peer.isVerified() && slot.deadUntil <= performance.now()) {
        awaySince = undefined
        return slot
      }
    return undefined
  }

  const seek = async (giveUpAt: number, signal?: AbortSignal): Promise<Slot> => {
    for (;;) {
      signal?.throwIfAborted()
      const slot = await choose()
      awaySince = slot === undefined ? (awaySince ?? performance.now()) : undefined
      if (slot !== undefined) return slot
      if (performance.now() > giveUpAt) throw refuse(new Error('nobody is there'))
      await delay(LOOK_MS)
    }
  }

  const find = (giveUpAt: number, signal?: AbortSignal) => only() ?? seek(giveUpAt, signal)

  return {
    async send(request) {
      const giveUpAt = performance.now() + FIND_MS
      const { body, isTouched } = outgoing(request.body)
      try {
        for (;;) {
          const slot = await find(giveUpAt, request.signal)
          try {
            const answer = await slot.peer.send(request, body)
            if (answer.status === 401 || answer.status === 403) throw shutOut(answer)
            return answer
          } catch (error) {
            // Not the peer's doing: the caller gave up, or the body it sends on broke off.
            if (request.signal?.aborted || !isNetworkFailure(error)) throw error
            slot.deadUntil = performance.now() + DEAD_MS
            const isSafe = !isTouched() && (request.isIdempotent || isConnectFailure(error))
            if (!isSafe || performance.now() > giveUpAt) throw refuse(error)
          }
        }
      } catch (error) {
        discard(request.body)
        throw error
      }
    },
    async isOriginal() {
      const slot = await find(performance.now() + FIND_MS)
      // It was sent nothing: its turn is still to come.
      if (!round.includes(slot)) round.unshift(slot)
      return slot.peer.isOriginal()
    },
    setEntries(entries) {
      const wanted = new Map(
        entries.filter(isUsable).map(entry => [`${entry.value} ${entry.instance ?? ''}`, entry]),
      )
      for (const [name, { peer }] of slots) {
        if (wanted.has(name)) continue
        slots.delete(name)
        peer.retire().catch(() => {})
      }
      for (const [name, entry] of wanted) {
        if (slots.has(name)) continue
        slots.set(name, { peer: createPeer({ ...options, entry }), deadUntil: 0 })
      }
    },
    async close() {
      await Promise.all([...slots.values()].map(({ peer }) => peer.close()))
      slots.clear()
    },
  }
}

/**
 * A body as it goes out. undici destroys a stream whose request fails, also when nothing of it was read; an iterable it
 * leaves alone until it begins to read it, so that another instance can still have it.
 */
function outgoing(body: Bytes | undefined): { body: Outgoing | undefined; isTouched(): boolean } {
  if (body === undefined || Buffer.isBuffer(body.data)) return { body, isTouched: () => false }
  const stream = body.data
  let wasTouched = false
  const data = {
    [Symbol.asyncIterator]() {
      wasTouched = true
      return new Flow(stream)
    },
  }
  return { body: { data, length: body.length }, isTouched: () => wasTouched }
}

const isVerified = ({ peer }: Slot) => peer.isVerified()
const isSpeaking = ({ peer }: Slot) => peer.silentMs() < SILENT_MS

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const places = values.map(value => ({ value, place: random() }))
  return places.sort((a, b) => a.place - b.place).map(({ value }) => value)
}
