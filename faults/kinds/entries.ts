import { once } from 'node:events'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { openRecorder } from '../../test/neighbours/recorder.ts'
import { freePorts } from '../../test/system/ports.ts'
import { type BlackHole, openBlackHole } from '../black-hole.ts'
import type { Fault } from '../fault.ts'
import { createInner } from '../inner.ts'
import type { Scene } from '../scene.ts'

const services = ['storage', 'master', 'database'] as const
/** How long an entry lasts that a service makes of itself, and one that is made here, in ms. */
const OWN_TTL_MS = 10_000
const TTL_MS = 3_000
/** Goal G10: how soon nobody comes to harm through a dead address, and how late its entry may go, in ms. */
const AVOIDED_MS = 3_000
const LATE_MS = 1_000
const LOOK_MS = 20

/** What was found of wrong addresses. */
interface Found {
  entered: number
  /** How long after a kill the last upload or look failed, and how long after its time an entry was gone, in ms. */
  avoidedMs: number
  lateMs: number
  /** What a wrong address was asked beside who it is. */
  writes: number
  questions: number
}

export const wrongAddresses: Fault = {
  name: 'T15',
  says: 'a dead, a recycled, a black-holed and a silent address in the kv-store, and that of a service killed just now',
  rounds: { full: 20, short: 0 },
  async run({ rounds, isFull, open }) {
    const scene = await open({ system: { counts: { storage: 2, master: 2 } } })
    const found: Found = { entered: 0, avoidedMs: 0, lateMs: 0, writes: 0, questions: 0 }
    const hole = await openBlackHole()
    try {
      for (let round = 0; round < rounds; round += 1) {
        const victim = round % 2 === 0 ? 'storage-2' : 'master-2'
        await scene.during(async () => {
          await Promise.all([
            takeOver(scene, victim, isFull, found),
            ...services.map(service => enterWrong(scene, service, hole, found)),
          ])
          await scene.system.start(victim)
        })
      }
    } finally {
      hole.close()
    }
    if (found.writes > 0) scene.findings.broke('I2', `${found.writes} requests went to the wrong service`)
    const figures = [
      {
        says: `${rounds} services killed and their address taken by another, ${found.entered} wrong entries made: the last upload or look at a task that failed ${Math.round(found.avoidedMs)} ms after a kill, an entry gone at most ${Math.round(found.lateMs)} ms after its time`,
        goal: 'G10' as const,
        isReached: found.avoidedMs <= AVOIDED_MS && found.lateMs <= LATE_MS,
      },
      {
        says: `wrong addresses were asked ${found.questions} times who they are, and ${found.writes} times anything else`,
      },
    ]
    return { figures, findings: await scene.end() }
  },
}

/** Kills a service and puts another one at its address; in the long run until its entry is gone. */
async function takeOver(
  { system, journal }: Scene,
  victim: 'storage-2' | 'master-2',
  isFull: boolean,
  found: Found,
): Promise<void> {
  const { port, host } = new URL(system.urls[victim] ?? '')
  const isEntered = createEntryCheck(system, victim.replace('-2', 'Address'))
  const from = journal.now()
  await system.kill(victim)
  const recorder = await openRecorder(
    { service: victim.replace('-2', ''), instance: 'another' },
    Number(port),
  )
  if (isFull) found.lateMs = Math.max(found.lateMs, (await goneAfter(host, isEntered)) - OWN_TTL_MS)
  else await delay(AVOIDED_MS)
  const failed = journal.visits.filter(
    ({ kind, from: begun, status }) =>
      (kind === 'upload' || kind === 'task') && begun >= from - 1_000 && status !== 200,
  )
  found.avoidedMs = Math.max(found.avoidedMs, ...failed.map(({ to }) => to - from))
  count(recorder.asked, found)
  recorder.close()
}

/** Enters one wrong address of each kind under the key of a service, and waits until they are gone. */
async function enterWrong(
  { system }: Scene,
  service: (typeof services)[number],
  hole: BlackHole,
  found: Found,
): Promise<void> {
  const [dead] = await freePorts(1)
  const others = await Promise.all([
    openRecorder({ service, instance: 'of-others' }),
    openRecorder({ service: 'frontend', instance: `${service}-0` }),
    openRecorder(),
  ])
  const silent = createServer(socket => void socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const { port } = silent.address() as { port: number }
  const values = [`127.0.0.1:${dead}`, hole.value, `127.0.0.1:${port}`, ...others.map(({ value }) => value)]
  const inner = createInner(system.secret)
  const key = `${service}Address`
  for (const [at, value] of values.entries()) {
    const query = new URLSearchParams({
      key,
      value,
      instance: `${service}-${at}`,
      ttl: String(TTL_MS / 1_000),
    })
    await inner.ask(`${system.urls['kv-store']}/set?${query}`, 'POST')
  }
  const isEntered = createEntryCheck(system, key)
  const times = await Promise.all(values.map(value => goneAfter(value, isEntered)))
  found.entered += values.length
  found.lateMs = Math.max(found.lateMs, ...times.map(time => time - TTL_MS))
  for (const recorder of others) {
    count(recorder.asked, found)
    recorder.close()
  }
  silent.close()
}

function count(asked: readonly string[], found: Found): void {
  const writes = asked.filter(question => question !== 'GET /health').length
  found.writes += writes
  found.questions += asked.length - writes
}

/** Whether a value stands under a key. */
function createEntryCheck({ urls, secret }: Scene['system'], key: string) {
  const inner = createInner(secret)
  return async (value: string) => {
    const entries = await inner.json<{ value: string }[]>(`${urls['kv-store']}/getAll?key=${key}`)
    return entries === undefined || entries.some(entry => entry.value === value)
  }
}

/** How long an entry stands from now, in ms; it is given twice its time. */
async function goneAfter(value: string, isEntered: (value: string) => Promise<boolean>): Promise<number> {
  const from = performance.now()
  while ((await isEntered(value)) && performance.now() - from < 2 * OWN_TTL_MS) await delay(LOOK_MS)
  return performance.now() - from
}
