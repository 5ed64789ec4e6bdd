import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { collect } from '../kit/body.ts'
import type { Answer } from '../kit/exchange.ts'
import { pngSignature } from '../storage/contract.ts'
import type { Bench, Part } from './bench.ts'
import { type Burst, describeWaits, medianOf, runBurst, runLanes } from './burst.ts'
import { ownCpuMs } from './cpu.ts'
import { type ImageStore, openStorage } from './image-store.ts'
import { findNginx, type Nginx, openNginx } from './nginx.ts'
import type { Output } from './output.ts'
import { compare, type Player, playRounds, type Series } from './rounds.ts'

interface Load {
  readonly bytes: number
  /** How long one turn is, in ms. What it puts lies there until its end. */
  readonly forMs: number
  /** How many images are there to be got by turns: enough that no two clients ask for the same at once. */
  readonly images: number
}

/** Who takes part. */
interface Scene {
  /** Ours first. */
  readonly stores: readonly ImageStore[]
  readonly nginx: Nginx | undefined
  readonly folder: string
  /** The id that the next image is put by: none is used twice. */
  nextId: number
}

const CLIENTS = 8
const ROUNDS = 5
const HASH_MS = 300

/**
 * Both as real processes on one disk, asked by the same client on the same machine, by turns. They promise different things:
 * storage answers a put once bytes, hash and name are on disk, and verifies each image before it sends it; nginx does
 * neither. So there is a third that puts to nginx and lets the client fsync file and folder, and beside what storage takes
 * stands what of it is SHA-256.
 */
export const storage: Bench = {
  question: 'How many puts and gets of 1 KB, 600 KB and 20 MB, beside nginx, which promises less?',
  needs: [{ package: 'nginx-light', for: 'nginx', name: 'nginx', find: () => findNginx()?.version }],
  parts: {
    '1KB': partOf({ bytes: 1_000, forMs: 2_000, images: 64 }),
    '600KB': partOf({ bytes: 600_000, forMs: 2_000, images: 64 }),
    '20MB': partOf({ bytes: 20_000_000, forMs: 3_000, images: 16 }),
  },
}

function partOf(load: Load): Part {
  return async (output, folder) => {
    const stores: ImageStore[] = []
    try {
      stores.push(await openStorage(folder, CLIENTS))
      const found = findNginx()
      const nginx = found && (await openNginx(found.program, folder, CLIENTS))
      if (nginx !== undefined) stores.push(nginx)
      output.line(`${CLIENTS} clients, ${ROUNDS} rounds by turns; what is got lies in the page cache`)
      await printLoad(output, load, { stores, nginx, folder, nextId: 1 })
    } finally {
      for (const store of stores) await store.close()
    }
  }
}

async function printLoad(output: Output, load: Load, scene: Scene): Promise<void> {
  const image = Buffer.concat([pngSignature, randomBytes(load.bytes - pngSignature.length)])
  for (const store of scene.stores) await checkStore(store, scene, image)
  const hashMs = hashMsOf(image)
  const describe = (what: string, all: readonly Series<Burst>[]) =>
    all.map(one => {
      const rate = medianOf(one.turns, burst => burst.rate)
      return [
        `${what} ${one.name}`,
        rate.toFixed(rate < 100 ? 1 : 0),
        ((rate * load.bytes) / 1_000_000).toFixed(0),
        compare(one, all[1], burst => burst.rate),
        compare(one, all[2], burst => burst.rate),
        describeWaits(one.turns.flatMap(({ waitedMs }) => waitedMs)),
        medianOf(one.turns, ({ cpuMs }) => cpuMs).toFixed(3),
        compare(one, all[1], ({ cpuMs }) => cpuMs),
        one === all[0] ? hashMs.toFixed(3) : '',
        medianOf(one.turns, ({ clientShare }) => clientShare).toFixed(2),
      ]
    })
  output.table(
    [
      '',
      'a second',
      'MB a second',
      'against nginx (least to most)',
      'against nginx, then fsync',
      'p50, p99 ms',
      'CPU ms each',
      'against nginx (least to most)',
      'of that SHA-256',
      'cores busy with the client',
    ],
    [
      ...describe('put:', await racePuts(scene, load, image)),
      ...describe('get:', await raceGets(scene, load, image)),
    ],
  )
}

/** Everyone gives back what was put: nothing is timed before. */
async function checkStore(store: ImageStore, scene: Scene, image: Buffer): Promise<void> {
  const id = scene.nextId++
  await store.put(id, image)
  const got = await collect(await store.get(id), image.length)
  if (!got.equals(image)) throw new Error(`${store.name} gives other bytes than were put`)
  await store.remove(id)
}

function racePuts(scene: Scene, { forMs }: Load, image: Buffer): Promise<Series<Burst>[]> {
  const playerOf = (name: string, store: ImageStore, put: ImageStore['put']): Player<Burst> => ({
    name,
    async turn() {
      const first = scene.nextId
      const options = { clients: CLIENTS, forMs, pid: store.pid }
      const burst = await runBurst(options, () => put(scene.nextId++, image))
      await tidy(store, scene, first)
      return burst
    },
  })
  const { stores, nginx } = scene
  const players = stores.map(store => playerOf(store.name, store, store.put))
  if (nginx !== undefined) players.push(playerOf('nginx, then fsync', nginx, nginx.putDurably))
  return playRounds(ROUNDS, players)
}

async function raceGets(scene: Scene, { forMs, images }: Load, image: Buffer): Promise<Series<Burst>[]> {
  const { stores, nginx, nextId: first } = scene
  scene.nextId += images
  const get = async (store: ImageStore, number: number) => {
    const length = await lengthOf(await store.get(first + (number % images)))
    if (length !== image.length) throw new Error(`${store.name} gave ${length} bytes`)
  }
  for (const store of stores) {
    // What has still to be written would be written while others have their turn.
    const put = store === nginx ? nginx.putDurably : store.put
    for (let id = first; id < scene.nextId; id += 1) await put(id, image)
  }
  const players = stores.map(store => ({
    name: store.name,
    turn: () => runBurst({ clients: CLIENTS, forMs, pid: store.pid }, number => get(store, number)),
  }))
  const all = await playRounds(ROUNDS, players)
  for (const store of stores) await tidy(store, scene, first)
  return all
}

/**
 * Removes what was put from this id on, and waits for the file system to have written that down: what one leaves to be
 * written would be paid for by whoever comes next.
 */
async function tidy(store: ImageStore, { nextId, folder }: Scene, first: number): Promise<void> {
  const count = nextId - first
  await runLanes(
    CLIENTS,
    number => number < count,
    number => store.remove(first + number),
  )
  await writeFile(join(folder, 'tidied'), String(first), { flush: true })
}

/** CPU time of hashing these bytes once, in ms, over as many times as there is time for. */
function hashMsOf(bytes: Buffer): number {
  const until = performance.now() + HASH_MS
  const before = ownCpuMs()
  let count = 0
  for (; performance.now() < until; count += 1) createHash('sha256').update(bytes).digest()
  return (ownCpuMs() - before) / count
}

/** Reads it to its end. */
async function lengthOf(body: Answer['body']): Promise<number> {
  if (Buffer.isBuffer(body)) return body.length
  let length = 0
  for await (const piece of body) length += piece.length
  return length
}
