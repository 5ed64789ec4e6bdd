import type { CpuTime } from '../cpu-time.ts'
import { type AllStepMs, spread } from './steps.ts'

/** Who has a part in the way of a picture: four of the services, and who uploads. */
export const parts = ['client', 'frontend', 'storage', 'database', 'worker'] as const
export type Part = (typeof parts)[number]

/** CPU time a picture of each. */
export type Cpu = Readonly<Record<Part, CpuTime>>

/** How many shared what is done once for all who come meanwhile. */
export interface Shared {
  /** Operations in a transaction of the database. */
  readonly operations: number
  /** Images in a batch of a storage's log; of photographs, which go past it, those of the icons by which they are told. */
  readonly images: number
}

/** What has to be known to tell from the time of a picture what its steps take. */
export interface Basis {
  /** CPU time of a transaction of the database, whatever is in it, in ms. */
  readonly transactionMs: number
  /** While the CPU time of pictures was measured. */
  readonly shared: Shared
}

/** What the steps of a picture's way take, in ms. */
export interface Costs extends AllStepMs {
  /** A transaction of the database, whatever is in it. */
  readonly transactionMs: number
  /** In how many pieces it travels beside its requests; 0 for one that is collected and sent in one go. */
  readonly pieces: number
  /** What a piece costs whoever handles it once, on its loop. */
  readonly piece: Readonly<Record<Part, number>>
  /** The swap in a thread of the worker, for what is not done on its loop. */
  readonly swapMs: number
  /** What V8 and children compute beside each ms on the loop. */
  readonly beside: Readonly<Record<Part, number>>
}

/** Bytes of a photograph and of a piece of a stream (docs/decisions/009): 650 KB in 64 KB. */
const PHOTOGRAPH_PIECES = 10
/** How often each handles the bytes: storage takes in upload and result, and gives the upload. */
const handlings: Readonly<Record<Part, number>> = {
  client: 1,
  frontend: 1,
  storage: 3,
  database: 0,
  worker: 2,
}
/** Operations of the database, and images that are put. */
const OPERATIONS = 2
const IMAGES = 2

/**
 * What the steps of an icon's way cost, by the CPU time that each part took for it.
 *
 * @param asks How often it was asked then whether a picture is ready: 1 where who uploads waits for it.
 */
export function costsOfIcon(cpu: Cpu, { transactionMs, shared }: Basis, asks: 0 | 1 = 0): Costs {
  const { client, frontend, storage, database, worker } = cpu
  const transactionsMs = (OPERATIONS / shared.operations) * transactionMs
  return {
    client: spread('client', client.loop, { ask: asks, beTold: asks }),
    frontend: spread('frontend', frontend.loop, { ask: asks, tell: asks }),
    storage: spread('storage', storage.loop, { log: IMAGES / shared.images }),
    database: spread('database', Math.max(0, database.loop - transactionsMs), {
      read: OPERATIONS + asks,
      answer: OPERATIONS + asks,
    }),
    worker: spread('worker', worker.loop),
    log: spread('log', storage.pool, { sync: IMAGES / shared.images }),
    files: spread('files', 0),
    transactionMs,
    pieces: 0,
    piece: ofParts(() => 0),
    swapMs: 0,
    // What others do in threads is done for nobody's picture.
    beside: ofParts(part => besideOf(cpu[part], part === 'storage')),
  }
}

/**
 * A photograph costs what an icon does, and besides the moving of its bytes, and the swap in a thread instead of on the loop. In storage
 * it goes past the log.
 */
export function costsOfPhotograph(photograph: Cpu, icon: Cpu, basis: Basis): Costs {
  const costs = costsOfIcon({ ...icon, database: photograph.database }, basis)
  const without: Partial<Record<Part, number>> = {
    storage: (IMAGES / basis.shared.images) * costs.storage.log,
    worker: costs.worker.swap,
  }
  const moved = (part: Part) => {
    const ms = photograph[part].loop - icon[part].loop + (without[part] ?? 0)
    return handlings[part] === 0 ? 0 : Math.max(0, ms) / handlings[part] / PHOTOGRAPH_PIECES
  }
  return {
    ...costs,
    worker: { ...costs.worker, swap: 0 },
    files: spread('files', photograph.storage.pool),
    pieces: PHOTOGRAPH_PIECES,
    piece: ofParts(moved),
    swapMs: photograph.worker.pool,
    beside: ofParts(part => besideOf(photograph[part], part === 'storage' || part === 'worker')),
  }
}

const ofParts = (of: (part: Part) => number) =>
  Object.fromEntries(parts.map(part => [part, of(part)])) as Record<Part, number>

function besideOf({ all, loop, pool }: CpuTime, hasPool: boolean): number {
  return Math.max(0, all - loop - (hasPool ? pool : 0)) / loop
}
