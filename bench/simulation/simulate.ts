import { percentile } from '../../faults/percentile.ts'
import { type Costs, parts, type Shared } from './costs.ts'
import { createDurations } from './durations.ts'
import { createEvents } from './events.ts'
import type { Log } from './log.ts'
import type { Picture } from './picture.ts'
import type { Process, Role } from './process.ts'
import type { Storage } from './storage.ts'
import { type Counts, type Setting, startSystem } from './system.ts'
import { createHappening, start, type Wait } from './way.ts'

/** Who uploads. */
export type Load =
  /** So many who send one picture after the other and wait for nothing else: what the benches do. */
  | { readonly is: 'as fast as they can'; readonly lanes: number }
  /** So many who send the next one once theirs is done, which they know without asking. */
  | { readonly is: 'waiting for theirs'; readonly lanes: number }
  /** So many who ask whether theirs is ready, and send the next one with the answer. */
  | { readonly is: 'asking for theirs'; readonly lanes: number }
  /** Visitors who know nothing of each other. */
  | { readonly is: 'at a rate'; readonly perSecond: number }

export interface Scenario {
  readonly counts: Counts
  readonly setting: Setting
  readonly costs: Costs
  readonly load: Load
  /** How many are done before any is looked at, and how many are looked at. */
  readonly warmUp: number
  readonly pictures: number
  readonly seed: number | string
}

/** What of a role is used most: a share from 0 to 1 of its loops, its threads for files or pixels, or its machines' cores. */
export interface Use {
  readonly what: 'loop' | 'files' | 'threads' | 'cores'
  readonly share: number
}

export interface Outcome {
  readonly perSecond: number
  /** From the beginning of an upload to the end of its task. */
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly used: Readonly<Record<Role, Use>>
  /** All cores of all machines but the visitors', a share from 0 to 1. */
  readonly cores: number
  /** On average, from the beginning on. */
  readonly shared: Shared
}

/** Longest that is simulated, in ms: entries are renewed for ever, also where a fault lets nothing else go on. */
const LONGEST_MS = 3_600_000
/** All durations vary by half of their mean. */
const SHAPE = 4

/** Puts pictures through a system that is not there. The same scenario gives the same outcome. */
export function simulate({ counts, setting, costs, load, warmUp, pictures, seed }: Scenario): Outcome {
  const events = createEvents()
  const durations = createDurations(seed, SHAPE)
  const { processes, client, database, storages, ways } = startSystem({
    events,
    durations,
    costs,
    counts,
    setting,
  })
  const isToEnd = load.is === 'as fast as they can'
  const wayMs: number[] = []
  let began = 0
  let ended = 0
  let lookedAt = 0
  let before = processes.map(usedBy)

  const send = (then: { accepted?: (end: Wait) => void; ended?: () => void }) => {
    began += 1
    const end = createHappening()
    const beganAt = events.now()
    const picture: Picture = {
      beganAt,
      ended() {
        ended += 1
        if (ended > warmUp) wayMs.push(events.now() - beganAt)
        if (ended === warmUp) {
          lookedAt = events.now()
          before = processes.map(usedBy)
        }
        then.ended?.()
        end.happen()
      },
    }
    start(ways.upload(client, picture), () => then.accepted?.(end.wait))
  }
  const ask = (end: Wait) => start(ways.waitFor(client, end), lane)
  const lane = () => {
    if (isToEnd && began === warmUp + pictures) return
    if (load.is === 'waiting for theirs') send({ ended: lane })
    else send({ accepted: isToEnd ? lane : ask })
  }
  const come = (gapMs: number) => {
    events.after(durations.drawGap(gapMs), () => {
      send({})
      come(gapMs)
    })
  }
  if (load.is === 'at a rate') come(1_000 / load.perSecond)
  else for (let at = 0; at < load.lanes; at += 1) lane()
  events.run(() => wayMs.length >= pictures || events.now() > LONGEST_MS)
  if (wayMs.length < pictures) throw new Error(`only ${ended} pictures came through`)

  const tookMs = events.now() - lookedAt
  const uses = processes.map((process, at) => useOf(process, before[at] as Used, tookMs))
  return {
    perSecond: (wayMs.length / tookMs) * 1_000,
    meanMs: wayMs.reduce((sum, ms) => sum + ms, 0) / wayMs.length,
    p50Ms: percentile(wayMs, 0.5),
    p99Ms: percentile(wayMs, 0.99),
    used: Object.fromEntries(roles.map(role => [role, mostUsed(role, processes, uses)])) as Outcome['used'],
    cores: coresUsed(processes, before, tookMs),
    shared: {
      operations: database.operations() / database.transactions(),
      images: imagesABatch(storages),
    },
  }
}

const roles: readonly Role[] = [...parts, 'kv-store']
/** How long each part of a process was busy, in ms. */
type Used = Readonly<Record<Use['what'], number>>

const usedBy = ({ loop, files, threads, machine }: Process): Used => ({
  loop: loop.busyMs(),
  files: files.busyMs(),
  threads: threads.busyMs(),
  cores: machine.computedMs(),
})

function useOf(process: Process, before: Used, tookMs: number): Used {
  const { loop, files, threads, machine } = process
  const after = usedBy(process)
  const share = (what: Use['what'], many: number) => (after[what] - before[what]) / tookMs / many
  return {
    loop: share('loop', loop.threads),
    files: share('files', files.threads),
    threads: share('threads', threads.threads),
    cores: share('cores', machine.cores),
  }
}

/** 1 where nothing went through a log. */
function imagesABatch(storages: readonly Storage[]): number {
  const sum = (of: (log: Log) => number) => storages.reduce((total, { log }) => total + of(log), 0)
  const batches = sum(log => log.batches())
  return batches === 0 ? 1 : sum(log => log.images()) / batches
}

/** Of all processes of a role on average. A loop that waits for a core is held as well: where cores are about as scarce, it is they. */
function mostUsed(role: Role, processes: readonly Process[], uses: readonly Used[]): Use {
  const own = uses.filter((_, at) => processes[at]?.role === role)
  const whats = ['loop', 'files', 'threads', 'cores'] as const
  const shares = whats.map(what => ({
    what,
    share: own.reduce((sum, used) => sum + used[what], 0) / own.length,
  }))
  const most = shares.reduce((most, use) => (use.share > most.share ? use : most))
  const cores = shares.find(({ what }) => what === 'cores')
  return cores !== undefined && cores.share > 0.95 * most.share ? cores : most
}

function coresUsed(processes: readonly Process[], before: readonly Used[], tookMs: number): number {
  const machines = new Map(processes.map(({ machine }, at) => [machine, before[at]?.cores ?? 0]))
  const finite = [...machines].filter(([{ cores }]) => Number.isFinite(cores))
  const cores = finite.reduce((sum, [machine]) => sum + machine.cores, 0)
  return finite.reduce((sum, [machine, at]) => sum + machine.computedMs() - at, 0) / tookMs / cores
}
