import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Task } from '../../database/contract.ts'
import { largeImage } from '../../test/images/noise.ts'
import type { Random } from '../../test/images/random.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault } from '../fault.ts'
import { createInner } from '../inner.ts'
import type { Scene } from '../scene.ts'
import { openVolume, type Volume, volumeNeeds } from '../volume.ts'

/** Images that are streamed (more than 2 MB), beside the crowd's small ones: how many, and their bytes. */
const LARGE = 3
const LARGE_BYTES = 3_000_000
/** Of how many flips one hits a large image; of how many a file is also cut short, and one made longer. */
const LARGE_EVERY = 5
const LENGTH_EVERY = 5
/** How long a file lies still before it is spoilt, in ms: by then it has been read, and is known to be good. */
const OLD_MS = 3_500
/** Most bytes that are cut off or appended. */
const MOST_BYTES = 200
const VOLUME_MB = 512

export const bitFlips: Fault = {
  name: 'T8',
  says: 'stored images spoilt: a bit flipped below the file system, which leaves inode, size and times; cut short; made longer',
  rounds: { full: 1_000, short: 2 },
  needs: volumeNeeds,
  async run({ rounds, random, seed, open }) {
    const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
    const volume = openVolume(join(dataDir, 'storage'), VOLUME_MB)
    try {
      const scene = await open({ system: { dataDir }, lanes: 1, pauseMs: 250 })
      for (let i = 0; i < LARGE; i += 1) {
        const id = await scene.upload(largeImage(seed + i, LARGE_BYTES))
        if (id !== undefined) await scene.visitor.fetch(id, OLD_MS * 10)
      }
      const spoiler = createSpoiler(scene, volume, random)
      const isOver = scene.journal.beginFault()
      for (let round = 0; round < rounds; round += 1) {
        await spoiler.spoil(flip, round % LARGE_EVERY === 0)
        if (round % LENGTH_EVERY === 0) await spoiler.spoil(cutShort, false)
        if (round % LENGTH_EVERY === 1) await spoiler.spoil(makeLonger, false)
      }
      isOver()
      const { spoilt, detected, served } = spoiler.counts
      const findings = await scene.end()
      const says = `${rounds} bits flipped, ${spoilt - rounds} files cut short or made longer: ${detected} detected, ${served} served`
      return { figures: [{ says, goal: 'G7', isReached: detected === spoilt }], findings }
    } finally {
      volume.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
}

/** A file of an image, and how it is asked for. */
interface Target {
  readonly path: string
  readonly url: string
}

interface Spoiling {
  readonly path: string
  /** What it has in it. */
  readonly file: Buffer
  readonly volume: Volume
  readonly random: Random
}

/** Spoils a file; the function it gives mends it. */
type Spoil = (spoiling: Spoiling) => () => void

const flip: Spoil = ({ path, file, volume, random }) => {
  const [byte, bit] = [random.below(file.length), random.below(8)]
  const change = () => volume.flip(path, byte, bit)
  change()
  return change
}
const cutShort: Spoil = ({ path, file, random }) =>
  keepTimes(path, file, () => truncateSync(path, file.length - 1 - random.below(MOST_BYTES)))
const makeLonger: Spoil = ({ path, file, random }) =>
  keepTimes(path, file, () => appendFileSync(path, random.bytes(1 + random.below(MOST_BYTES))))

function keepTimes(path: string, file: Buffer, change: () => void): () => void {
  const { atime, mtime } = statSync(path)
  change()
  utimesSync(path, atime, mtime)
  return () => writeFileSync(path, file, { flush: true })
}

function createSpoiler({ system, watch, findings }: Scene, volume: Volume, random: Random) {
  const inner = createInner(system.secret)
  const counts = { spoilt: 0, detected: 0, served: 0 }

  const choose = (isLarge: boolean): Target | undefined => {
    const isOld = (at: number) => performance.now() - at > OLD_MS
    const ended = [...watch.seen.values()].filter(({ task, at }) => task.state === 2 && isOld(at))
    const targets = ended.map(({ task }) => targetOf(task, random.below(2) === 0 ? 'working' : 'finished'))
    const fitting = targets.filter(({ path }) => statSync(path).size > LARGE_BYTES / 2 === isLarge)
    return fitting[random.below(fitting.length)]
  }
  const targetOf = ({ id, result }: Task, state: 'working' | 'finished'): Target => {
    const name = state === 'working' ? `${id}` : `${id}.${result}`
    const query = `id=${id}&state=${state}${state === 'working' ? '' : `&attempt=${result}`}`
    return {
      path: join(volume.path, state, name.slice(0, 1), name),
      url: `${system.urls.storage}/getImage?${query}`,
    }
  }

  return {
    counts,
    async spoil(how: Spoil, isLarge: boolean) {
      const { path, url } = await waitFor('an image that has lain for a while', () => choose(isLarge))
      const file = readFileSync(path)
      const before = await inner.ask(url)
      const mend = how({ path, file, volume, random })
      if (readFileSync(path).equals(file)) throw new Error(`${path} is as it was`)
      counts.spoilt += 1
      const after = await inner.ask(url)
      mend()
      if (after?.status === 500) counts.detected += 1
      else if (after?.status === 200 && before?.bytes.equals(after.bytes))
        findings.broke('I8', `${how.name} of ${path} was not noticed`)
      else {
        counts.served += 1
        findings.broke('I2', `${how.name} of ${path} was answered with ${after?.status ?? 'nothing'}`)
      }
    },
  }
}
