import { readFileSync } from 'node:fs'

/** The state of a connection that neither side has ended, in /proc/net/tcp. */
const ESTABLISHED = '01'

/**
 * The ports that have a connection to this port of this machine which the kernel holds for established on the service's
 * side: as soon as the service ends one, it is not, however slowly the other side reads. Of IPv4, on Linux.
 */
export function connectedPorts(port: number): Set<number> {
  const found = new Set<number>()
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n').slice(1)) {
    const [, local = '', remote = '', state] = line.trim().split(/ +/)
    if (state === ESTABLISHED && portOf(local) === port) found.add(portOf(remote))
  }
  return found
}

const portOf = (address: string) => Number.parseInt(address.slice(address.indexOf(':') + 1), 16)
