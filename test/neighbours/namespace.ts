import { execFileSync } from 'node:child_process'
import { atEnd } from '../system/ending.ts'

/** A machine of its own, as far as the network goes: a namespace with an address. */
export interface Host {
  readonly address: string
  /** The command that others are run through to run there. */
  readonly through: readonly string[]
}

/** Two hosts, and the tests' own as a third one. Each reaches the other two, and nothing else. */
export interface Network {
  readonly one: Host
  readonly two: Host
  /** Takes all of it down. */
  close(): void
}

/** Names and addresses are this process's own, so that several tests can run at once. */
const own = `vg-${process.pid}`

/** One of the three; the tests' own has no namespace to enter. */
interface End {
  readonly name: 'one' | 'two' | 'tests'
  readonly address: string
  readonly namespace?: string
}

const ip = (...args: string[]) => {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
}

/** Opens the network, or says what this machine lacks for it. Whatever happens, nothing of it outlives this process. */
export function openNetwork(): Network | { readonly missing: string } {
  const first = (process.pid % 0x4000) * 4
  const address = (n: number) => `10.211.${(first + n) >> 8}.${(first + n) & 0xff}`
  const one: End = { name: 'one', address: address(1), namespace: `${own}-one` }
  const two: End = { name: 'two', address: address(2), namespace: `${own}-two` }
  const tests: End = { name: 'tests', address: address(3) }

  const close = () => {
    // A link goes with either of its ends.
    for (const { name } of [one, two]) attempt('link', 'delete', `${own}-${name}`)
    for (const { namespace = '' } of [one, two]) attempt('netns', 'delete', namespace)
  }
  atEnd(close)
  const missing = missingHere()
  if (missing !== undefined) return { missing }
  try {
    for (const { namespace = '' } of [one, two]) {
      ip('netns', 'add', namespace)
      ip('-netns', namespace, 'link', 'set', 'lo', 'up')
    }
    connect(one, two)
    connect(tests, one)
    connect(tests, two)
  } catch (error) {
    close()
    throw error
  }
  return { one: hostOf(one), two: hostOf(two), close }
}

/** Tries a namespace with a device: why there can be none on this machine. */
function missingHere(): string | undefined {
  try {
    ip('netns', 'add', own)
    ip('netns', 'exec', own, 'ip', 'link', 'add', 'one', 'type', 'veth', 'peer', 'name', 'two')
    return undefined
  } catch (error) {
    const { code, stderr = '' } = error as { code?: string; stderr?: string }
    if (code === 'ENOENT') return 'there is no ip: apt-get install iproute2'
    if (process.getuid?.() !== 0) return 'it needs root, to make network namespaces (ip, of iproute2)'
    return `this machine refuses network namespaces (ip, of iproute2): ${stderr.trim().split('\n')[0]}`
  } finally {
    attempt('netns', 'delete', own)
  }
}

/** What may be there or not. */
function attempt(...args: string[]): void {
  try {
    ip(...args)
  } catch {}
}

/** Lays a cable between two. No bridge: what a firewall of this machine thinks of forwarding does not matter. */
function connect(a: End, b: End): void {
  const [atA, atB] = [deviceOf(a, b), deviceOf(b, a)]
  const peer = ['type', 'veth', 'peer', 'name', atB, ...(b.namespace ? ['netns', b.namespace] : [])]
  ip(...inside(a), 'link', 'add', atA, ...peer)
  ip(...inside(a), 'address', 'add', a.address, 'peer', b.address, 'dev', atA)
  ip(...inside(b), 'address', 'add', b.address, 'peer', a.address, 'dev', atB)
  ip(...inside(a), 'link', 'set', atA, 'up')
  ip(...inside(b), 'link', 'set', atB, 'up')
}

/** A device has the name of whom it leads to; outside of namespaces one that is ours. */
const deviceOf = (from: End, to: End) => (from.namespace ? to.name : `${own}-${to.name}`)
const inside = ({ namespace }: End) => (namespace ? ['-netns', namespace] : [])

const hostOf = ({ address, namespace = '' }: End): Host => ({
  address,
  through: ['ip', 'netns', 'exec', namespace],
})
