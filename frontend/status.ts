import { once } from 'node:events'
import { Agent } from 'undici'
import { databaseContract } from '../database/contract.ts'
import { createAllowedHosts, formatAddress, parseAddress } from '../kit/address.ts'
import { collect } from '../kit/body.ts'
import type { Client } from '../kit/client.ts'
import { createConnector, HandshakeError, schemeOf } from '../kit/connector.ts'
import { type Health, health } from '../kit/contract.ts'
import type { Credentials } from '../kit/credentials.ts'
import { hasCode, oneLine } from '../kit/errors.ts'
import { exchange } from '../kit/exchange.ts'
import type { Link } from '../kit/mesh.ts'
import { type Entry, kvStoreContract } from '../kv-store/contract.ts'
import { masterContract } from '../master/contract.ts'
import { storageContract } from '../storage/contract.ts'
import { workerContract } from '../worker/contract.ts'
import { frontendContract, type InstanceStatus, type StatusReport } from './contract.ts'

/**
 * How long each may take to answer, in ms, plain and over TLS, where all shake hands at once; the whole page takes twice that
 * at most.
 */
const DEADLINE_MS = 100
const TLS_DEADLINE_MS = 500
/** Most bytes of an answer to /health. */
const ANSWER_BYTES = 64 * 1024

const contracts = [databaseContract, storageContract, masterContract, workerContract, frontendContract]

export interface StatusOptions {
  readonly master: Link<typeof masterContract>
  readonly registry: Client<typeof kvStoreContract>
  /** Where the kv-store is, `host:port`. */
  readonly kv: string
  /** Hosts and networks that may be asked, beside loopback. */
  readonly allowedHosts: readonly string[]
  /** With these the inner services are asked over TLS. */
  readonly credentials?: Credentials | undefined
  /** What frontends show the public, if they do. */
  readonly serverCredentials?: Credentials | undefined
}

type Verdict = Omit<InstanceStatus, 'service' | 'address'>

/**
 * Asks every service there is how it is: all at once, each with its own deadline, so that none holds up the others. Never
 * rejects. While the kv-store is away, those are asked that it knew last.
 */
export function createStatus(options: StatusOptions): () => Promise<StatusReport> {
  const { master, registry, kv, allowedHosts, credentials, serverCredentials } = options
  const deadlineMs = credentials === undefined ? DEADLINE_MS : TLS_DEADLINE_MS
  const isAllowed = createAllowedHosts(allowedHosts)
  const known = new Map<string, readonly Entry[]>()
  const inner = {
    scheme: schemeOf(credentials),
    dispatcher: new Agent({ connect: createConnector(credentials, deadlineMs) }),
  }
  // A frontend's certificate is for the name that the public knows, and it is told nothing.
  const outer = {
    scheme: schemeOf(serverCredentials),
    dispatcher: new Agent({ connect: { timeout: deadlineMs, rejectUnauthorized: false } }),
  }

  const findAll = async (key: string, signal: AbortSignal): Promise<Entry[]> => {
    try {
      return await registry.getAll({ key }, { signal })
    } catch (error) {
      if (!hasCode(error, 'not-found', 'method-not-allowed')) throw error
      // An original kv-store knows one value a key.
      return [{ value: await registry.get({ key }, { signal }) }]
    }
  }

  const askHealth = async (service: string, value: string, signal: AbortSignal) => {
    const { scheme, dispatcher } = service === frontendContract.service ? outer : inner
    const origin = `${scheme}://${formatAddress(parseAddress(value))}`
    const question = { origin, path: '/health', method: 'GET', reset: true } as const
    const { status, body } = await exchange(dispatcher, question, signal)
    const text = (await collect(body, ANSWER_BYTES)).toString()
    if (status >= 500) throw new Error('nobody who can say who it is')
    // Originals know no /health.
    return status === 200 ? health.safeParse(parse(text)).data : undefined
  }

  const ask = async (service: string, { value, instance }: Entry): Promise<InstanceStatus> => {
    const row = { service, address: oneLine(value) }
    // The operator gave the kv-store's address; all others come from whoever can write into it.
    if (value !== kv && !isUsable(value, isAllowed))
      return { ...row, state: 'away', note: 'not asked: its address is not allowed' }
    const began = performance.now()
    try {
      const said = await inTime(deadlineMs, signal => askHealth(service, value, signal))
      const tookMs = Math.ceil(performance.now() - began)
      return { ...row, ...judge(said, service, instance), tookMs }
    } catch (error) {
      return { ...row, ...explain(error, deadlineMs) }
    }
  }

  const askAllOf = async (service: string, key: string): Promise<InstanceStatus[]> => {
    const told = await inTime(deadlineMs, signal => findAll(key, signal)).catch(() => undefined)
    const found = told ?? known.get(key)
    if (found === undefined) return [{ service, state: 'unknown', note: 'the kv-store does not say' }]
    known.set(key, found)
    if (found.length === 0) return [{ service, state: 'away', note: 'none is known' }]
    return Promise.all(found.map(entry => ask(service, entry)))
  }

  // Twice as long as any other: a master asks the database.
  const askOverview = () =>
    inTime(2 * deadlineMs, signal => master.ask.overview({}, { signal })).catch(() => undefined)

  return async () => {
    const overview = askOverview()
    const registryItself = ask(kvStoreContract.service, { value: kv }).then(status => [status])
    const others = contracts.map(({ service, key }) => askAllOf(service, key))
    return { instances: (await Promise.all([registryItself, ...others])).flat(), overview: await overview }
  }
}

function judge(said: Health | undefined, service: string, instance: string | undefined): Verdict {
  if (said === undefined && instance === undefined) return { state: 'up', note: 'of the original system' }
  if (said?.service !== service || (instance !== undefined && said.instance !== instance))
    return { state: 'away', note: 'somebody else answers there' }
  const who = { instance: oneLine(said.instance), version: oneLine(said.version) }
  return { state: said.ready ? 'up' : 'not ready', ...who, facts: readFacts(said) }
}

/** What a service says of itself in numbers; those of a worker's steps as well. */
function readFacts({ steps, ...said }: Health): Record<string, number> {
  const all = [...Object.entries(said), ...Object.entries(steps ?? {})]
  return Object.fromEntries(all.filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
}

function explain(error: unknown, deadlineMs: number): Verdict {
  if (error instanceof HandshakeError) return { state: 'away', note: 'its certificate is not believed' }
  return (error as Error).name === 'TimeoutError'
    ? { state: 'slow', note: `no answer within ${deadlineMs} ms` }
    : { state: 'away', note: 'cannot be reached' }
}

function isUsable(value: string, isAllowed: (host: string) => boolean): boolean {
  try {
    return isAllowed(parseAddress(value).host)
  } catch {
    return false
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Rejects with a `TimeoutError` when the deadline is over, also when `ask` does not listen to its signal. */
async function inTime<T>(deadlineMs: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(deadlineMs)
  const late = once(signal, 'abort').then(() => Promise.reject(signal.reason))
  return Promise.race([ask(signal), late])
}
