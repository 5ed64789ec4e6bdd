import { BlockList, isIP } from 'node:net'
import { ServiceError } from './errors.ts'

export interface Address {
  /** A name or an IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Reads `host:port` (`[v6]:port`). Anything else that a URL could smuggle in (a scheme, userinfo, a path, another
 * spelling of an IP address) is `bad-request`: addresses are untrusted input wherever they come from.
 */
export function parseAddress(value: string): Address {
  const parts =
    /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?)):([0-9]{1,5})$/.exec(value)
  const host = parts?.[1] ?? parts?.[2]
  const port = Number(parts?.[3])
  const isSpelledOut =
    host !== undefined && (isIP(host) !== 0 || /[A-Za-z]/.test(host.split('.').at(-1) ?? ''))
  const isHexadecimal = host !== undefined && isIP(host) === 0 && /(^|\.)0x[0-9a-f]*$/i.test(host)
  // An IPv4 address in IPv6 clothes would be held against the wrong networks.
  const isMapped = host !== undefined && isIP(host) === 6 && mapped.check(host, 'ipv6')
  if (host === undefined || !isSpelledOut || isHexadecimal || isMapped || port < 1 || port > 65535)
    throw new ServiceError('bad-request', 'An address is host:port.')
  return { host: host.toLowerCase(), port }
}

/** `host:port`, IPv6 in brackets. */
export function formatAddress({ host, port }: Address): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}

/** True for the addresses that only this machine can reach. */
export function isLoopback(host: string): boolean {
  if (isIP(host) === 6) return loopback.check(host, 'ipv6')
  // Asked for each upload; a list makes an object of every address that it is asked about.
  return host === 'localhost' || (isIP(host) === 4 && host.startsWith('127.'))
}

const mapped = new BlockList()
mapped.addSubnet('::ffff:0:0', 96, 'ipv6')

const loopback = new BlockList()
loopback.addAddress('::1', 'ipv6')

/**
 * Which hosts data may be sent to: loopback always, and what the operator lists, as IP addresses, networks
 * (`10.0.0.0/8`) or host names. A name is allowed only by name, so nothing that a resolver says can widen the list.
 * Throws a `RangeError` at a network that is none.
 */
export function createAllowedHosts(listed: readonly string[]): (host: string) => boolean {
  const networks = new BlockList()
  const names = new Set<string>()
  for (const entry of listed) {
    const [network = '', prefix, ...more] = entry.split('/')
    const isPrefix = prefix === undefined || (/^[0-9]{1,3}$/.test(prefix) && isIP(network) !== 0)
    if (!isPrefix || more.length > 0) throw new RangeError(`${entry} is no network`)
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(network) === 0) names.add(entry.toLowerCase())
    else if (prefix === undefined) networks.addAddress(network, family)
    else networks.addSubnet(network, Number(prefix), family)
  }
  return host => {
    const version = isIP(host)
    return (
      isLoopback(host) ||
      names.has(host) ||
      (version !== 0 && networks.check(host, version === 6 ? 'ipv6' : 'ipv4'))
    )
  }
}
