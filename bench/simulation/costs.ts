/** Who has a part in the way of a picture: four of the services, and who uploads. */
export const parts = ['client', 'frontend', 'storage', 'database', 'worker'] as const
export type Part = (typeof parts)[number]

/** CPU time a picture, in ms, of each. */
export type CpuMs = Readonly<Record<Part, number>>

/**
 * Where each spends its CPU time: on its event loop, in the threads of file operations, or beside both, where V8 collects
 * garbage and compiles (`npm run bench shares`: that last share falls for as long as a process runs, so a little less
 * is taken than is found after some thousand pictures).
 */
export const threadShares = {
  client: { loop: 0.85, files: 0, beside: 0.15 },
  frontend: { loop: 0.75, files: 0, beside: 0.25 },
  storage: { loop: 0.6, files: 0.29, beside: 0.11 },
  database: { loop: 0.82, files: 0, beside: 0.18 },
  worker: { loop: 0.82, files: 0, beside: 0.18 },
} as const satisfies Record<Part, { loop: number; files: number; beside: number }>

/**
 * What each step takes of its service's time for an icon, where nobody polls; a step that is taken `times` times takes as
 * much each time. Estimates, of how much code and how many system calls a step is; together they make 1. Which of a
 * service's steps is the longer one hardly shows in what is simulated, since they all wait for the same loop.
 */
export const steps = {
  client: { send: share(0.6), hear: share(0.4) },
  frontend: { readForm: share(0.5), makeTask: share(0.2), answer: share(0.3) },
  storage: {
    // The making of a file included, of two that are written.
    accept: share(0.14, 3),
    // Back from a thread, on to the next: twice for each that is written, once where one is read.
    goOn: share(0.02, 5),
    // A file is closed, has its name, and loses its temporary one (docs/decisions/028).
    name: share(0.07, 2),
    answer: share(0.34 / 3, 3),
  },
  files: {
    open: share(0.12),
    write: share(0.16, 2),
    sync: share(0.16, 2),
    syncFolder: share(0.08, 2),
    read: share(0.08),
  },
  database: {
    read: share(0.24, 2),
    // A transaction costs this much whatever is in it (`npm run bench shares`).
    turn: share(0.12, 2),
    write: share(0.03, 2),
    answer: share(0.11, 2),
  },
  worker: {
    fetch: share(0.15),
    // An icon is swapped on the loop.
    swap: share(0.35),
    send: share(0.2),
    finish: share(0.18),
    hear: share(0.12),
  },
} as const

type Steps = typeof steps
/** Mean durations, in ms. */
type StepMs = { readonly [S in keyof Steps]: { readonly [K in keyof Steps[S]]: number } }

/** What the steps of a picture's way take, in ms. */
export interface Costs extends StepMs {
  /** In how many pieces it travels beside its requests; 0 for one that is collected and sent in one go. */
  readonly pieces: number
  /** What a piece costs whoever handles it once, on its loop, and storage in its threads as well. */
  readonly piece: Readonly<Record<Part | 'files', number>>
  /** The swap in a thread of the worker, for what is not done on its loop. */
  readonly swapMs: number
}

/** Bytes of a photograph and of a piece of a stream (docs/decisions/009): 650 KB in 64 KB. */
const PHOTOGRAPH_PIECES = 10
/** What the swap takes of a photograph's cost in the worker; the rest moves its bytes (`npm run bench codec`: 20 ms). */
const SWAP_SHARE = 0.9
/** How often each handles the bytes: storage takes in upload and result, and gives the upload. */
const handlings: Readonly<Record<Part, number>> = {
  client: 1,
  frontend: 1,
  storage: 3,
  database: 0,
  worker: 2,
}

export function costsOfIcon(cpuMs: CpuMs): Costs {
  const scaled = (group: keyof Steps, ms: number) =>
    Object.fromEntries(Object.entries(steps[group]).map(([name, { each }]) => [name, each * ms]))
  const onLoop = parts.map(part => [part, scaled(part, cpuMs[part] * threadShares[part].loop)])
  const files = scaled('files', cpuMs.storage * threadShares.storage.files)
  const nothing = Object.fromEntries([...parts, 'files'].map(name => [name, 0]))
  return {
    ...(Object.fromEntries([...onLoop, ['files', files]]) as StepMs),
    pieces: 0,
    piece: nothing as Costs['piece'],
    swapMs: 0,
  }
}

/** A photograph costs what an icon does, and besides the moving of its bytes, and the swap in a thread instead of on the loop. */
export function costsOfPhotograph(photograph: CpuMs, icon: CpuMs): Costs {
  const costs = costsOfIcon(icon)
  const more = (part: Part) => Math.max(0, photograph[part] - icon[part])
  const swapMs = more('worker') * SWAP_SHARE
  const moved = (part: Part) => {
    const ms = part === 'worker' ? more(part) - swapMs : more(part)
    return handlings[part] === 0 ? 0 : ms / handlings[part] / PHOTOGRAPH_PIECES
  }
  const onLoop = Object.fromEntries(parts.map(part => [part, moved(part) * threadShares[part].loop]))
  const piece = { ...onLoop, files: moved('storage') * threadShares.storage.files } as Costs['piece']
  return { ...costs, worker: { ...costs.worker, swap: 0 }, pieces: PHOTOGRAPH_PIECES, piece, swapMs }
}

function share(each: number, times = 1) {
  return { each, times }
}
