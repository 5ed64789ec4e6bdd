import { readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { largeImage } from '../../test/images/noise.ts'
import type { Random } from '../../test/images/random.ts'
import { residentBytes } from '../../test/system/memory.ts'
import { whileStill } from '../../test/system/still.ts'
import type { Name } from '../../test/system/system.ts'
import type { Fault, Figure } from '../fault.ts'
import { looksOf } from '../looks.ts'
import type { Scene } from '../scene.ts'
import { type Sample, slopeOf } from '../slope.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Time between two samples, and how long a process lives before it is looked at: its heap grows to its size. In ms. */
const SAMPLE_MS = 2_000
const WARM_MS = 5 * MINUTE_MS
/** Time between two faults, and how long what is paused or ended stays so, in ms: up to this. */
const BETWEEN_MS = 10_000
const AWAY_MS = 1_500
/** Bytes of the large images among the small ones: one with each fault. */
const LARGE_BYTES = 1_500_000
/** The second ones die; the first ones live through all of it, so that what they lose adds up. */
const mortal: readonly Name[] = ['storage-2', 'master-2', 'worker-2', 'frontend-2']
/** Of these there is only one: they die by turns, with every so many faults, in the first part of the time; then they are looked at. */
const alone: readonly Name[] = ['database', 'kv-store']
const SELDOM = 12
const FIRST_PART = 1 / 3
/** Who asks for the images of open tasks all the time. */
const PROBERS = 16
/** Pause of each of six who upload, in ms: on a fast machine no more pictures than can be looked at again in the end. */
const PAUSE_MS = 300
const lasting: readonly Name[] = ['kv-store', 'database', 'storage', 'master', 'worker', 'frontend']

export const soak: Fault = {
  name: 'T30',
  says: 'mixed load for so many minutes, with random faults: kill -9, SIGTERM, a pause, database or kv-store away',
  rounds: { full: 30, short: 0 },
  async run({ rounds, random, seed, open, say }) {
    const counts = { storage: 2, master: 2, worker: 2, frontend: 2 }
    const scene = await open({ system: { counts }, lanes: 6, pauseMs: PAUSE_MS, probers: PROBERS })
    const samples = sampleProcesses(scene)
    const began = performance.now()
    const over = began + rounds * MINUTE_MS
    const isFirstPart = () => performance.now() < began + rounds * MINUTE_MS * FIRST_PART
    let faults = 0
    while (performance.now() < over) {
      await delay(random.below(BETWEEN_MS))
      await scene.upload(largeImage(seed * 1_000 + faults, LARGE_BYTES))
      faults += 1
      const isTurn = isFirstPart() && faults % SELDOM === 0
      const name = isTurn ? alone[(faults / SELDOM) % alone.length] : undefined
      await scene.during(() =>
        name === undefined ? one(kinds, random)(scene, random) : endOne(scene, random, 'SIGKILL', name),
      )
      if (faults % 20 === 0) say(`T30: ${faults} faults, ${scene.journal.promises.length} uploads`)
    }
    const { memory, descriptors } = samples.stop()
    const figures: Figure[] = [
      { says: `${rounds} min, ${faults} faults, ${scene.journal.promises.length} uploads acknowledged` },
      looksOf(scene.watch),
      { says: `resident MB, at most, and by how many more an hour: ${describe(memory, 1e6)}` },
      { says: `descriptors: ${describe(descriptors, 1)}` },
    ]
    return { figures, findings: await scene.end() }
  },
}

const kinds: readonly ((scene: Scene, random: Random) => Promise<void>)[] = [
  (scene, random) => endOne(scene, random, 'SIGKILL'),
  (scene, random) => endOne(scene, random, 'SIGTERM'),
  async ({ system }, random) => {
    const name = one(lasting, random)
    // One that ended by itself is a finding, which is not to be lost for another.
    if (system.pids()[name] === undefined) return
    await whileStill(system, name, () => delay(random.below(AWAY_MS)))
  },
]

async function endOne(
  { system }: Scene,
  random: Random,
  signal: 'SIGKILL' | 'SIGTERM',
  name = one(mortal, random),
): Promise<void> {
  await system.kill(name, signal)
  await delay(random.below(AWAY_MS))
  await system.start(name)
}

function one<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)] as T
}

type Samples = Map<Name, Sample[]>

/** Resident memory and open descriptors of those that last, sample by sample. */
function sampleProcesses({ system }: Scene) {
  const [memory, descriptors]: [Samples, Samples] = [new Map(), new Map()]
  const seenFrom = new Map<number, number>()
  const note = (into: Samples, name: Name, sample: Sample) =>
    into.set(name, [...(into.get(name) ?? []), sample])
  const look = () => {
    const now = performance.now()
    const pids = system.pids()
    for (const name of lasting) {
      const pid = pids[name]
      if (pid === undefined) continue
      const from = seenFrom.get(pid) ?? now
      seenFrom.set(pid, from)
      const [bytes, open] = [residentBytes(pid), openDescriptors(pid)]
      if (now - from < WARM_MS || bytes === 0 || open === 0) continue
      const sample = { life: String(pid), at: now / HOUR_MS }
      note(memory, name, { ...sample, value: bytes })
      note(descriptors, name, { ...sample, value: open })
    }
  }
  const timer = setInterval(look, SAMPLE_MS)
  return {
    stop() {
      clearInterval(timer)
      return { memory, descriptors }
    },
  }
}

function openDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    return 0
  }
}

function describe(samples: Samples, unit: number): string {
  const parts = lasting.map(name => {
    const own = samples.get(name) ?? []
    const { rise, spread } = slopeOf(own)
    const most = Math.max(0, ...own.map(({ value }) => value))
    return `${name} ${Math.round(most / unit)}, ${(rise / unit).toFixed(1)} ± ${(spread / unit).toFixed(1)}`
  })
  return parts.join('; ')
}
