import { once } from 'node:events'
import { Agent, request } from 'undici'
import { databaseContract } from '../database/contract.ts'
import { createAllowedHosts, formatAddress, parseAddress } from '../kit/address.ts'
import { collect } from '../kit/body.ts'
import type { Client } from '../kit/client.ts'
import { type Health, health } from '../kit/contract.ts'
import { hasCode, oneLine } from '../kit/errors.ts'
import { type Entry, kvStoreContract } from '../kv-store/contract.ts'
import { masterContract } from '../master/contract.ts'
import { storageContract } from '../storage/contract.ts'
import { workerContract } from '../worker/contract.ts'
import { frontendContract, type InstanceStatus, type StatusReport } from './contract.ts'

/** How long each may take to answer, in ms; the whole page takes twice that at most. */
const DEADLINE_MS = 100
/** Most bytes of an answer to /health. */
const ANSWER_BYTES = 64 * 1024

const contracts = [databaseContract, storageContract, masterContract, workerContract, frontendContract]

export interface StatusOptions {
  readonly registry: Client<typeof kvStoreContract>
  /** Where the kv-store is, `host:port`. */
  readonly kv: string
  /** Hosts and networks that may be asked, beside loopback. */
  readonly allowedHosts: readonly string[]
}

type Verdict = Omit<InstanceStatus, 'service' | 'address'>

/**
 * Asks every service there is how it is: all at once, each with its own deadline, so that none holds up the others. Never
 * rejects. While the kv-store is away, those are asked that it knew last.
 */
export function createStatus({ registry, kv, allowedHosts }: StatusOptions): () => Promise<StatusReport> {
  const isAllowed = createAllowedHosts(allowedHosts)
  const known = new Map<string, readonly Entry[]>()
  const agent = new Agent({ connect: { timeout: DEADLINE_MS } })

  const findAll = async (key: string, signal: AbortSignal): Promise<Entry[]> => {
    try {
      return await registry.getAll({ key }, { signal })
    } catch (error) {
      if (!hasCode(error, 'not-found', 'method-not-allowed')) throw error
      // An original kv-store knows one value a key.
      return [{ value: await registry.get({ key }, { signal }) }]
    }
  }

  const askHealth = async (value: string, signal: AbortSignal): Promise<Health | undefined> => {
    const url = `http://${formatAddress(parseAddress(value))}/health`
    const { statusCode, body } = await request(url, { dispatcher: agent, signal, reset: true })
    const text = (await collect(body, ANSWER_BYTES)).toString()
    if (statusCode >= 500) throw new Error('nobody who can say who it is')
    // Originals know no /health.
    return statusCode === 200 ? health.safeParse(parse(text)).data : undefined
  }

  const ask = async (service: string, { value, instance }: Entry): Promise<InstanceStatus> => {
    const row = { service, address: oneLine(value) }
    // The operator gave the kv-store's address; all others come from whoever can write into it.
    if (value !== kv && !isUsable(value, isAllowed))
      return { ...row, state: 'away', note: 'not asked: its address is not allowed' }
    const began = performance.now()
    try {
      const said = await inTime(signal => askHealth(value, signal))
      const tookMs = Math.ceil(performance.now() - began)
      return { ...row, ...judge(said, service, instance), tookMs }
    } catch (error) {
      const isLate = (error as Error).name === 'TimeoutError'
      const note = isLate ? `no answer within ${DEADLINE_MS} ms` : 'cannot be reached'
      return { ...row, state: 'away', note }
    }
  }

  const askAllOf = async (service: string, key: string): Promise<InstanceStatus[]> => {
    const found = await inTime(signal => findAll(key, signal)).catch(() => known.get(key) ?? [])
    known.set(key, found)
    if (found.length === 0) return [{ service, state: 'away', note: 'none is known' }]
    return Promise.all(found.map(entry => ask(service, entry)))
  }

  return async () => {
    const registryItself = ask(kvStoreContract.service, { value: kv }).then(status => [status])
    const others = contracts.map(({ service, key }) => askAllOf(service, key))
    return { instances: (await Promise.all([registryItself, ...others])).flat() }
  }
}

function judge(said: Health | undefined, service: string, instance: string | undefined): Verdict {
  if (said === undefined && instance === undefined) return { state: 'up', note: 'of the original system' }
  if (said?.service !== service || (instance !== undefined && said.instance !== instance))
    return { state: 'away', note: 'somebody else answers there' }
  const who = { instance: oneLine(said.instance), version: oneLine(said.version) }
  return { state: said.ready ? 'up' : 'not ready', ...who }
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
async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(DEADLINE_MS)
  const late = once(signal, 'abort').then(() => Promise.reject(signal.reason))
  return Promise.race([ask(signal), late])
}
