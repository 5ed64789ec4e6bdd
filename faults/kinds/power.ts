import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { uniqueImage } from '../../test/images/noise.ts'
import type { Fault } from '../fault.ts'
import { createInner, type Inner } from '../inner.ts'
import type { Scene } from '../scene.ts'
import { openVolume, volumeNeeds } from '../volume.ts'

/** Few upload, and seldom: each fsync of one puts on disk what others have forgotten to ask for. */
const LANES = 2
const PAUSE_MS = 150
/** Time under load before a cut, in ms: from this to twice as much. */
const LOAD_MS = 400
/** Size of each volume, in MB. */
const VOLUME_MB = { storage: 256, database: 64, 'kv-store': 32 } as const
/** Of an image that is put on disk in its own file. */
const LARGE = { width: 200, height: 200 }
/** Of the log, of which a half is full with some uploads: what it held is cut off as well, behind it. */
const LOG_BYTES = 320 * 1024
/** How long a result may take to come, in ms. */
const WAIT_MS = 30_000

export const powerCut: Fault = {
  name: 'T4',
  says: 'power cut: each service that keeps data on an ext4 of its own, which loses what it was not told to keep',
  rounds: { full: 100, short: 1 },
  needs: volumeNeeds,
  async run({ rounds, random, seed, open }) {
    const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
    const sizes = Object.entries(VOLUME_MB)
    const volumes = sizes.map(([name, megabytes]) => openVolume(join(dataDir, name), megabytes))
    try {
      const scene = await open({
        system: { dataDir, env: { LOG_BYTES: String(LOG_BYTES) } },
        lanes: LANES,
        pauseMs: PAUSE_MS,
      })
      const { system, journal, findings } = scene
      const inner = createInner(system.secret)
      const entries = createEntries(scene, inner)
      for (let round = 0; round < rounds; round += 1) {
        await delay(LOAD_MS + random.below(LOAD_MS))
        await scene.during(async () => {
          await moments[round % moments.length]?.({ scene, entries, image: seed + round })
          await system.killAll()
          for (const volume of volumes) volume.cut()
          await system.startAll()
        })
        await entries.check()
      }
      const acknowledged = `${journal.promises.length} uploads and ${entries.count()} entries acknowledged`
      await scene.end()
      const lost = findings.of('I1').length + findings.of('I2').length
      const says = `${rounds} power cuts, ${acknowledged}, ${lost} lost`
      return { figures: [{ says, goal: 'G2', isReached: lost === 0 }], findings }
    } finally {
      for (const volume of volumes) volume.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
}

interface Moment {
  readonly scene: Scene
  readonly entries: Entries
  /** Names the round's own image. */
  readonly image: number
}

/** What was promised the moment before the cut: taking turns, that is lost first which nothing came after. */
const moments: readonly ((moment: Moment) => Promise<void>)[] = [
  async ({ scene, image }) => {
    await scene.upload(uniqueImage(image))
  },
  async ({ scene, image }) => {
    await scene.upload(uniqueImage(image, LARGE))
  },
  async ({ entries }) => entries.set(),
  async ({ scene, image }) => {
    const id = await scene.upload(uniqueImage(image))
    if (id !== undefined) await scene.visitor.fetch(id, WAIT_MS)
  },
  async () => {},
]

/** Plain entries in the kv-store: for ever, once acknowledged. */
interface Entries {
  set(): Promise<void>
  count(): number
  /** Asks for each that was acknowledged. */
  check(): Promise<void>
}

function createEntries({ system, findings }: Scene, inner: Inner): Entries {
  const url = system.urls['kv-store']
  const acknowledged = new Map<string, string>()
  let last = 0
  return {
    async set() {
      last += 1
      const [key, value] = [`fault${last}`, `value${last}`]
      const told = await inner.ask(`${url}/set?key=${key}&value=${value}`, 'POST')
      if (told?.status === 200) acknowledged.set(key, value)
    },
    count: () => last,
    async check() {
      for (const [key, value] of acknowledged) {
        const told = await inner.ask(`${url}/get?key=${key}`)
        if (told?.bytes.toString() === value) continue
        findings.broke('I1', `the entry ${key} was acknowledged, and is not there after a power cut`)
        acknowledged.delete(key)
      }
    },
  }
}
