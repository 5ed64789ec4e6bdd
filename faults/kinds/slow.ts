import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { largeImage } from '../../test/images/noise.ts'
import { doorsOf, headOf } from '../door.ts'
import type { Fault } from '../fault.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'
import { connectedPorts } from '../sockets.ts'

const SOCKETS = { full: 1_000, short: 99 }
/** Uploads of honest visitors that are timed, before and beside. */
const HONEST = { full: 500, short: 40 }
/** What a slow reader asks for, in bytes: more than buffers hold. */
const RESULT_BYTES = 8_000_000
/** What a slow sender announces, in bytes. */
const ANNOUNCED_BYTES = 100_000
/** Pause between two bytes of a slow sender, in ms. */
const BYTE_MS = 1_000
/** Goal G14: longest life of a slow socket, in ms, and of how much the p99 may grow. After the patience it counts as eternal. */
const LIFE_MS = 35_000
const PATIENCE_MS = 60_000
const MOST_GROWTH = 2
const LOOK_MS = 200

/** A connection on which hardly anything happens. */
interface Slow {
  readonly kind: 'headers' | 'bodies' | 'readers'
  readonly socket: Socket
  readonly openedAt: number
  endedAt?: number
}

export const slowSockets: Fault = {
  name: 'T18',
  says: 'a thousand slow sockets at the frontend: headers, bodies, readers',
  rounds: { full: 3, short: 0 },
  async run({ rounds, isFull, open }) {
    const scene = await open()
    const size = isFull ? 'full' : 'short'
    const large = await scene.upload(largeImage(1, RESULT_BYTES))
    if (large !== undefined) await scene.visitor.fetch(large, PATIENCE_MS)
    const before: number[] = []
    const beside: number[] = []
    const slow: Slow[] = []
    for (let round = 0; round < rounds; round += 1) {
      before.push(...(await timeHonest(scene, HONEST[size])))
      const opened = openSlow(scene, large ?? '0', SOCKETS[size])
      slow.push(...opened)
      const follow = followLives(scene, opened, isFull)
      beside.push(...(await timeHonest(scene, HONEST[size])))
      if (!isFull) for (const { socket } of opened) socket.destroy()
      await follow
    }
    const [was, is] = [percentile(before, 0.99), percentile(beside, 0.99)]
    const lives = longestLives(slow)
    const honest = `${slow.length} slow sockets: an honest upload's p99 ${Math.round(is)} ms beside them, ${Math.round(was)} ms before`
    const figures = isFull
      ? [
          { says: honest, goal: 'G14' as const, isReached: is <= MOST_GROWTH * was },
          {
            says: `longest life of a slow socket: ${lives.map(([kind, ms]) => `${kind} ${describeLife(ms)}`).join(', ')}`,
            goal: 'G14' as const,
            isReached: lives.every(([, ms]) => ms <= LIFE_MS),
          },
        ]
      : [{ says: honest }]
    return { figures, findings: await scene.end() }
  },
}

/** How long each of that many uploads takes from now on, in ms. */
async function timeHonest({ journal, findings }: Scene, count: number): Promise<number[]> {
  const from = journal.visits.length
  const deadline = journal.now() + PATIENCE_MS
  const uploads = () =>
    journal.visits.slice(from).filter(({ kind, status }) => kind === 'upload' && status === 200)
  while (uploads().length < count && journal.now() < deadline) await delay(LOOK_MS)
  const times = uploads().map(visit => visit.to - visit.from)
  if (times.length >= count) return times
  findings.broke('I11', `of ${count} honest uploads ${times.length} were taken within ${PATIENCE_MS} ms`)
  return [...times, PATIENCE_MS]
}

function openSlow({ system }: Scene, id: string, count: number): Slow[] {
  const { hostname: host, port } = new URL(system.urls.frontend)
  const [form] = doorsOf(system)
  const kinds = ['headers', 'bodies', 'readers'] as const
  const begin = {
    headers: Buffer.from(`POST /submitTask HTTP/1.1\r\nHost: ${host}:${port}\r\nX-Slow: `),
    bodies: Buffer.concat([
      form?.head(`Content-Length: ${ANNOUNCED_BYTES}`) ?? Buffer.alloc(0),
      form?.before ?? Buffer.alloc(0),
      largeImage(2, ANNOUNCED_BYTES).subarray(0, 100),
    ]),
    readers: headOf('GET', `/getImage?id=${id}`, [`Host: ${host}:${port}`]),
  }
  return Array.from({ length: count }, (_, at) => {
    const kind = kinds[at % kinds.length] ?? 'headers'
    const socket = connect({ host, port: Number(port), allowHalfOpen: true }).on('error', () => {})
    socket.write(begin[kind])
    return { kind, socket, openedAt: performance.now() }
  })
}

/** Keeps slow sockets busy, and notes when the service ends each; gives up on those that outlive the patience. */
async function followLives({ system }: Scene, slow: readonly Slow[], isToTheEnd: boolean): Promise<void> {
  const port = Number(new URL(system.urls.frontend).port)
  await Promise.allSettled(slow.map(({ socket }) => socket.connecting && once(socket, 'connect')))
  const trickle = setInterval(() => {
    for (const { kind, socket } of slow) if (kind !== 'readers' && socket.writable) socket.write('x')
  }, BYTE_MS)
  const from = performance.now()
  const living = () => slow.filter(({ socket, endedAt }) => endedAt === undefined && !socket.destroyed)
  const remotePorts = new Map(slow.map(one => [one, one.socket.localPort]))
  while (living().length > 0 && performance.now() - from < PATIENCE_MS) {
    await delay(LOOK_MS)
    const connected = connectedPorts(port)
    for (const one of slow)
      if (one.endedAt === undefined && !connected.has(remotePorts.get(one) ?? 0))
        one.endedAt = performance.now()
  }
  clearInterval(trickle)
  if (isToTheEnd) for (const { socket } of slow) socket.destroy()
}

/** The longest life of each kind, in ms; without end where the service ended none in time. */
function longestLives(slow: readonly Slow[]): [Slow['kind'], number][] {
  const kinds = [...new Set(slow.map(({ kind }) => kind))]
  return kinds.map(kind => {
    const lives = slow
      .filter(one => one.kind === kind)
      .map(({ openedAt, endedAt }) => (endedAt ?? Number.POSITIVE_INFINITY) - openedAt)
    return [kind, Math.max(...lives)]
  })
}

const describeLife = (ms: number) =>
  Number.isFinite(ms) ? `${(ms / 1_000).toFixed(1)} s` : `more than ${PATIENCE_MS / 1_000} s`
