import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pngSignature } from '../storage/contract.ts'
import { type Burst, describeWaits, medianOf, runBurst, runLanes } from './burst.ts'
import { makeDiskFolder } from './folder.ts'
import { type ImageStore, openStorage } from './image-store.ts'
import { findNginx, type Nginx, openNginx } from './nginx.ts'
import { compare, type Player, playRounds, type Series } from './rounds.ts'
import { printTable } from './table.ts'

/**
 * How does storage stand beside nginx, putting and getting the same bytes? Both as real processes on one disk, asked by the
 * same client on the same machine, by turns. They promise different things: storage answers a put once bytes, hash and name
 * are on disk, and verifies each image before it sends it; nginx does neither. So there is a third that puts to nginx and
 * lets the client fsync file and folder, and beside what storage takes stands what of it is SHA-256.
 * `npm run bench storage PART...` runs only those parts.
 */
interface Part {
  readonly bytes: number
  /** How long one turn is, in ms. What it puts lies there until its end. */
  readonly forMs: number
  /** How many images are there to be got by turns: enough that no two clients ask for the same at once. */
  readonly images: number
}

const CLIENTS = 8
const ROUNDS = 5
const HASH_MS = 300
const parts: Readonly<Record<string, Part>> = {
  '1KB': { bytes: 1_000, forMs: 2_000, images: 64 },
  '600KB': { bytes: 600_000, forMs: 2_000, images: 64 },
  '20MB': { bytes: 20_000_000, forMs: 3_000, images: 16 },
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const found = findNginx()
const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
const versions = [`node ${process.version}`, ...(found === undefined ? [] : [`nginx ${found.version}`])]
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, ${versions.join(', ')}`)
console.log(`${CLIENTS} clients, ${ROUNDS} rounds; what is got lies in the page cache`)
if (found === undefined) console.log('Left out, since not installed: nginx-light')

const folder = makeDiskFolder()
const stores: ImageStore[] = []
let nginx: Nginx | undefined
/** No id is put twice. */
let nextId = 1
try {
  stores.push(await openStorage(folder, CLIENTS))
  if (found !== undefined) {
    nginx = await openNginx(found.program, folder, CLIENTS)
    stores.push(nginx)
  }
  for (const name of wanted) {
    const part = parts[name]
    if (part === undefined) throw new Error(`no part ${name}: there are ${Object.keys(parts).join(', ')}`)
    await printPart(name, part)
  }
} finally {
  for (const store of stores) await store.close()
}

async function printPart(name: string, part: Part): Promise<void> {
  const image = Buffer.concat([pngSignature, randomBytes(part.bytes - pngSignature.length)])
  for (const store of stores) await checkStore(store, image)
  const hashMs = hashMsOf(image)
  const describe = (what: string, all: readonly Series<Burst>[]) =>
    all.map(one => {
      const rate = medianOf(one.turns, burst => burst.rate)
      return [
        `${what} ${one.name}`,
        rate.toFixed(rate < 100 ? 1 : 0),
        ((rate * part.bytes) / 1_000_000).toFixed(0),
        compare(one, all[1], burst => burst.rate),
        compare(one, all[2], burst => burst.rate),
        describeWaits(one.turns.flatMap(({ waitedMs }) => waitedMs)),
        medianOf(one.turns, ({ cpuMs }) => cpuMs).toFixed(3),
        compare(one, all[1], ({ cpuMs }) => cpuMs),
        one === all[0] ? hashMs.toFixed(3) : '',
        medianOf(one.turns, ({ clientShare }) => clientShare).toFixed(2),
      ]
    })
  printTable(
    [
      name,
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
    [...describe('put:', await racePuts(part, image)), ...describe('get:', await raceGets(part, image))],
  )
}

/** Everyone gives back what was put: nothing is timed before. */
async function checkStore(store: ImageStore, image: Buffer): Promise<void> {
  const id = nextId++
  await store.put(id, image)
  const got = await buffer(await store.get(id))
  if (!got.equals(image)) throw new Error(`${store.name} gives other bytes than were put`)
  await store.remove(id)
}

function racePuts(part: Part, image: Buffer): Promise<Series<Burst>[]> {
  const playerOf = (name: string, store: ImageStore, put: ImageStore['put']): Player<Burst> => ({
    name,
    async turn() {
      const first = nextId
      const burst = await runBurst({ ...part, clients: CLIENTS, pid: store.pid }, () => put(nextId++, image))
      await tidy(store, first)
      return burst
    },
  })
  const players = stores.map(store => playerOf(store.name, store, store.put))
  if (nginx !== undefined) players.push(playerOf('nginx, then fsync', nginx, nginx.putDurably))
  return playRounds(ROUNDS, players)
}

async function raceGets(part: Part, image: Buffer): Promise<Series<Burst>[]> {
  const first = nextId
  nextId += part.images
  const get = async (store: ImageStore, number: number) => {
    let length = 0
    for await (const piece of await store.get(first + (number % part.images))) length += piece.length
    if (length !== image.length) throw new Error(`${store.name} gave ${length} bytes`)
  }
  for (const store of stores) {
    // What has still to be written would be written while others have their turn.
    const put = store === nginx ? nginx.putDurably : store.put
    for (let id = first; id < nextId; id += 1) await put(id, image)
  }
  const players = stores.map(store => ({
    name: store.name,
    turn: () => runBurst({ ...part, clients: CLIENTS, pid: store.pid }, number => get(store, number)),
  }))
  const all = await playRounds(ROUNDS, players)
  for (const store of stores) await tidy(store, first)
  return all
}

/**
 * Removes what was put from this id on, and waits for the file system to have written that down: what one leaves to be
 * written would be paid for by whoever comes next.
 */
async function tidy(store: ImageStore, first: number): Promise<void> {
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
  const before = process.cpuUsage()
  let count = 0
  for (; performance.now() < until; count += 1) createHash('sha256').update(bytes).digest()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000 / count
}
