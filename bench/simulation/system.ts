import type { Costs } from './costs.ts'
import { createDatabase, type Database } from './database.ts'
import type { Durations } from './durations.ts'
import type { Events } from './events.ts'
import { createMachine, type Machine } from './machine.ts'
import { createNetwork } from './network.ts'
import { createWays, type Picture, type Ways } from './picture.ts'
import { createProcess, type Process, type Role } from './process.ts'
import { createStorage, type Storage } from './storage.ts'
import { start } from './way.ts'

/** How many of each run. One database and one kv-store: they share nothing with others of their kind. */
export interface Counts {
  readonly frontend: number
  readonly storage: number
  readonly worker: number
}

/** Where the processes run: all on one machine, as benches measure, or each on one of its own. */
export interface Setting {
  readonly is: 'one machine' | 'a machine each'
  /** Cores of the machine, or of each. */
  readonly cores: number
  /** Of a network round trip between two machines, in ms; within one it is part of what the CPU does. */
  readonly roundTripMs: number
  /** How long an fsync, and an fdatasync, waits for the disk, in ms. */
  readonly fsyncMs: number
  readonly fdatasyncMs: number
}

export interface System {
  readonly processes: readonly Process[]
  readonly client: Process
  readonly database: Database<Picture>
  readonly storages: readonly Storage[]
  readonly ways: Ways
}

export interface SystemOptions {
  readonly events: Events
  readonly durations: Durations
  readonly costs: Costs
  readonly counts: Counts
  readonly setting: Setting
}

/** How many tasks a worker holds at once: eight a core, unless said (worker/config.ts). */
export const tasksHeld = (setting: Setting) => 8 * setting.cores
/** How often each process renews its entry in the kv-store, in ms (kit/discovery.ts), and what that takes there: a guess. */
const RENEW_MS = 3_000
const RENEWAL_MS = 0.5

/** All services, their workers asking for tasks. */
export function startSystem({ events, durations, costs, counts, setting }: SystemOptions): System {
  const shared = createMachine(events, setting.cores)
  const isShared = setting.is === 'one machine'
  const machineOf = (role: Role): Machine => {
    if (isShared) return shared
    return createMachine(events, role === 'client' ? Number.POSITIVE_INFINITY : setting.cores)
  }
  const build = (role: Role): Process => {
    const loops = role === 'client' && !isShared ? Number.POSITIVE_INFINITY : 1
    const machine = machineOf(role)
    const besideRatio = role === 'kv-store' ? 0 : costs.beside[role]
    return createProcess({ role, events, durations, machine, besideRatio, loops })
  }
  const all: Record<Role, number> = { ...counts, 'kv-store': 1, database: 1, client: 1 }
  const roles = Object.keys(all) as Role[]
  const processes = roles.flatMap(role => Array.from({ length: all[role] }, () => build(role)))
  const of = (role: Role) => processes.filter(process => process.role === role)
  const only = (role: Role) => of(role)[0] as Process

  const { roundTripMs, fsyncMs, fdatasyncMs } = setting
  const network = createNetwork({ events, durations, roundTripMs, processes })
  const storages = of('storage').map(process =>
    createStorage({ process, costs, durations, fsyncMs, fdatasyncMs }),
  )
  const storageOf = (wanted: Process) => {
    const found = storages.find(({ process }) => process === wanted)
    if (found === undefined) throw new Error(`a ${wanted.role} is no storage`)
    return found
  }
  const database = createDatabase<Picture>({ process: only('database'), costs, fsyncMs })
  const ways = createWays({ costs, network, database, storageOf })

  for (const worker of of('worker'))
    for (let held = 0; held < tasksHeld(setting); held += 1) start(ways.serve(worker))
  renewEntries(events, durations, only('kv-store'), processes.length)
  return { processes, client: only('client'), database, storages, ways }
}

function renewEntries(events: Events, durations: Durations, kvStore: Process, entries: number): void {
  const renew = () => {
    kvStore.does(RENEWAL_MS)(() => {})
    events.after(RENEW_MS, renew)
  }
  for (let entry = 0; entry < entries; entry += 1) events.after(durations.below(RENEW_MS), renew)
}
