import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { largeImage } from '../../test/images/noise.ts'
import { doorsOf, headOf } from '../door.ts'
import type { Fault, Figure } from '../fault.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'
import { connectedPorts } from '../sockets.ts'

const SOCKETS = { full: 1_000, short: 99 }
/** How many of them come at the same moment, and the pause until the next do, in ms: a hundred a second. */
const AT_ONCE = 10
const COMING_MS = 100
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

const kinds = ['headers', 'bodies', 'readers'] as const
type Kind = (typeof kinds)[number]
/** Kinds that come without the others once all have been tried together: which of them honest visitors wait behind. */
const apart: readonly (readonly Kind[])[] = [['headers', 'bodies'], ['readers']]

/** A connection on which hardly anything happens. */
interface Slow {
  readonly kind: Kind
  readonly socket: Socket
  readonly openedAt: number
  endedAt?: number
}

export const slowSockets: Fault = {
  name: 'T18',
  says: 'a thousand slow sockets at the frontend, a hundred a second: headers, bodies, readers',
  rounds: { full: 3, short: 0 },
  async run({ rounds, isFull, open }) {
    const scene = await open()
    const size = isFull ? 'full' : 'short'
    const large = await scene.upload(largeImage(1, RESULT_BYTES))
    if (large !== undefined) await scene.visitor.fetch(large, PATIENCE_MS)
    const before: number[] = []
    const beside: number[] = []
    const slow: Slow[] = []
    const beBeset = async (wanted: readonly Kind[], sockets: number) => {
      const opened: Slow[] = []
      const opening = openSlow(scene, large ?? '0', { wanted, sockets }, opened)
      const follow = followLives(scene, opened, opening)
      const times = await timeHonest(scene, HONEST[size])
      await opening
      if (!isFull) for (const { socket } of opened) socket.destroy()
      await follow
      for (const { socket } of opened) socket.destroy()
      slow.push(...opened)
      return times
    }
    for (let round = 0; round < rounds; round += 1) {
      before.push(...(await timeHonest(scene, HONEST[size])))
      beside.push(...(await beBeset(kinds, SOCKETS[size])))
    }
    const [was, is] = [percentile(before, 0.99), percentile(beside, 0.99)]
    const lives = longestLives(slow)
    const honest = `${slow.length} slow sockets: an honest upload's p99 ${Math.round(is)} ms beside them, ${Math.round(was)} ms before`
    const figures: Figure[] = isFull
      ? [
          { says: honest, goal: 'G14', isReached: is <= MOST_GROWTH * was },
          {
            says: `longest life of a slow socket: ${lives.map(([kind, ms]) => `${kind} ${describeLife(ms)}`).join(', ')}`,
            goal: 'G14',
            isReached: lives.every(([, ms]) => ms <= LIFE_MS),
          },
        ]
      : [{ says: honest }]
    for (const wanted of isFull ? apart : []) {
      const times = await beBeset(wanted, SOCKETS[size])
      figures.push({
        says: `p99 beside ${wanted.join(' and ')} alone ${Math.round(percentile(times, 0.99))} ms`,
      })
    }
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

/** Opens so many in turns of their kinds, as many a second of each kind whichever are wanted, and puts each where they are followed. */
async function openSlow(
  { system }: Scene,
  id: string,
  { wanted, sockets }: { wanted: readonly Kind[]; sockets: number },
  into: Slow[],
): Promise<void> {
  const { hostname: host, port } = new URL(system.urls.frontend)
  const [form] = doorsOf(system)
  const begin = {
    headers: Buffer.from(`POST /submitTask HTTP/1.1\r\nHost: ${host}:${port}\r\nX-Slow: `),
    bodies: Buffer.concat([
      form?.head(`Content-Length: ${ANNOUNCED_BYTES}`) ?? Buffer.alloc(0),
      form?.before ?? Buffer.alloc(0),
      largeImage(2, ANNOUNCED_BYTES).subarray(0, 100),
    ]),
    readers: headOf('GET', `/getImage?id=${id}`, [`Host: ${host}:${port}`]),
  }
  for (let at = 0; at < sockets; at += 1) {
    if (at > 0 && at % AT_ONCE === 0) await delay(COMING_MS)
    const kind = kinds[at % kinds.length] ?? 'headers'
    if (!wanted.includes(kind)) continue
    const socket = connect({ host, port: Number(port), allowHalfOpen: true }).on('error', () => {})
    socket.write(begin[kind])
    into.push({ kind, socket, openedAt: performance.now() })
  }
}

/** Keeps slow sockets busy, and notes when the service ends each; gives up on those that outlive the patience. */
async function followLives({ system }: Scene, slow: readonly Slow[], opening: Promise<void>): Promise<void> {
  const port = Number(new URL(system.urls.frontend).port)
  const remotePorts = new Map<Slow, number>()
  const trickle = setInterval(() => {
    for (const { kind, socket } of slow) if (kind !== 'readers' && socket.writable) socket.write('x')
  }, BYTE_MS)
  const look = () => {
    const connected = connectedPorts(port)
    for (const one of slow) {
      if (one.endedAt !== undefined || one.socket.connecting) continue
      const { localPort = remotePorts.get(one) ?? 0 } = one.socket
      remotePorts.set(one, localPort)
      if (!connected.has(localPort)) one.endedAt = performance.now()
    }
  }
  const opened = opening.then(() => 'opened' as const)
  while ((await Promise.race([opened, delay(LOOK_MS)])) !== 'opened') look()
  const from = performance.now()
  const living = () => slow.filter(({ socket, endedAt }) => endedAt === undefined && !socket.destroyed)
  while (living().length > 0 && performance.now() - from < PATIENCE_MS) {
    await delay(LOOK_MS)
    look()
  }
  clearInterval(trickle)
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
