import { formatAddress } from './address.ts'
import { type Client, createClient } from './client.ts'
import type { Contract } from './contract.ts'
import type { Credentials } from './credentials.ts'
import {
  type Following,
  followEntries,
  openRegistration,
  type Registration,
  type Registry,
} from './discovery.ts'
import type { Logger } from './log.ts'
import { createTransport, type Transport } from './transport.ts'

/** Another service as this one sees it. */
export interface Link<C extends Contract> {
  /** A function a route. */
  readonly ask: Client<C>
  /** True when a service of the original system stands there now. */
  isOriginal(): Promise<boolean>
}

export interface MeshOptions<C extends Contract> {
  /** Where the kv-store is, `host:port`. */
  readonly kv: string
  readonly registryContract: C
  readonly secrets: readonly string[]
  /** With these all is said over TLS. */
  readonly credentials?: Credentials | undefined
  readonly allowedHosts: readonly string[]
  readonly log: Logger
}

/** This process's ways to the other services, all found through the kv-store. */
export interface Mesh {
  /** A link to whoever stands under the contract's key, now and later. */
  connect<const C extends Contract>(contract: C): Link<C>
  /** Enters this service in the kv-store, and keeps the entry alive. */
  register(options: {
    key: string
    host: string
    port: number
    own?: string | undefined
    instance: string
  }): Registration
  close(): Promise<void>
}

/** The kv-store itself, as the others see it. */
interface WithRegistry<C extends Contract> {
  readonly registry: Client<C>
}

/** The client of a contract that has the routes of a registry. */
type RegistryContract = Contract & {
  readonly routes: { readonly watch: object; readonly set: object; readonly remove: object }
}

export function openMesh<const C extends RegistryContract>(options: MeshOptions<C>): Mesh & WithRegistry<C> {
  const { secrets, credentials, allowedHosts, log } = options
  const secret = secrets[0]
  const warned = new Set<string>()
  const warn = (message: string) => {
    if (warned.has(message)) return
    warned.add(message)
    log.warn(message)
  }
  const transports: Transport[] = []
  const followings: Following[] = []
  const openTransport = (service: string, trustsPlain: boolean) => {
    const transport = createTransport({ service, secret, credentials, trustsPlain, allowedHosts, warn })
    transports.push(transport)
    return transport
  }

  // The operator gave this address: it needs no instance to be believed.
  const registryHosts = [...allowedHosts, options.kv.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')]
  const registryTransport = createTransport({
    service: options.registryContract.service,
    secret,
    credentials,
    trustsPlain: true,
    allowedHosts: registryHosts,
    warn,
  })
  transports.push(registryTransport)
  registryTransport.setEntries([{ value: options.kv }])
  const client = createClient(options.registryContract, registryTransport)
  const registry = client as unknown as Registry

  return {
    registry: client,
    connect(contract) {
      // Originals have no secret and speak no TLS.
      const transport = openTransport(contract.service, secret === undefined && credentials === undefined)
      if (contract.key !== undefined) followings.push(followEntries(registry, contract.key, transport))
      return { ask: createClient(contract, transport), isOriginal: () => transport.isOriginal() }
    },
    register({ key, host, port, own, instance }) {
      const value = own ?? formatAddress({ host, port })
      return openRegistration({ registry, transport: registryTransport, key, value, instance })
    },
    async close() {
      for (const following of followings) following.close()
      await Promise.all(transports.map(transport => transport.close()))
    },
  }
}
