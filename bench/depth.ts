import { join } from 'node:path'
import type { Granted, TaskEngine } from '../database/engine.ts'
import { openSqliteTasks } from '../database/engines/sqlite.ts'
import { ownCpuMs } from './cpu.ts'
import type { Output } from './output.ts'
import { median } from './spread.ts'

const KINDS = ['waiting', 'running', 'finished'] as const
const DEPTHS = [1_000, 100_000, 1_000_000] as const
const WARM_UP = 100
const TAKES = 500
/** Calls at a time while a file is filled: they share a transaction. */
const BATCH = 2_000
/** Longer than all of this, in ms: no lease ends meanwhile. */
const LEASE_MS = 86_400_000
/** What a take may cost at most, against one with the fewest tasks. */
const MOST = 1.5

type Kind = (typeof KINDS)[number]

/** What a call took, in ms: until it was answered, and of this process's CPU. */
interface Took {
  readonly ms: number
  readonly cpuMs: number
}

/** A file with so many tasks of one kind, beside those that are taken and finished. */
interface Filled {
  readonly kind: Kind
  readonly depth: number
  readonly engine: TaskEngine
  readonly takes: Took[]
  /** Takes together with the finish that follows. */
  readonly pairs: Took[]
}

/**
 * What a take costs with so many tasks waiting, running, finished: at the engine of the database, in this process, on files.
 * All files are open together and asked by turns, so that whatever else the machine does meets all of them.
 */
export async function printDepth(output: Output, folder: string): Promise<void> {
  const all: Filled[] = []
  try {
    for (const kind of KINDS)
      for (const depth of DEPTHS) {
        const engine = openSqliteTasks({ path: join(folder, `${depth}-${kind}.db`), leaseMs: LEASE_MS })
        all.push({ kind, depth, engine, takes: [], pairs: [] })
        await fill(engine, kind, depth)
        await fill(engine, 'waiting', WARM_UP + TAKES)
      }
    for (let turn = -WARM_UP; turn < TAKES; turn += 1) {
      const first = (turn + WARM_UP) % all.length
      for (const filled of [...all.slice(first), ...all.slice(0, first)]) await measure(filled, turn >= 0)
    }
    print(output, all)
  } finally {
    for (const { engine } of all) await engine.close()
  }
}

/** Through the engine's own calls: what a file looks like after so many tasks is for it to say. */
async function fill(engine: TaskEngine, kind: Kind, count: number): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) {
    const times = Array.from({ length: Math.min(BATCH, left) })
    await Promise.all(times.map(() => engine.newTask()))
    if (kind === 'waiting') continue
    const grants = await Promise.all(times.map(() => take(engine)))
    if (kind === 'finished') await Promise.all(grants.map(granted => finish(engine, granted)))
  }
}

async function measure({ engine, takes, pairs }: Filled, counts: boolean): Promise<void> {
  const clock = startClock()
  const granted = await take(engine)
  const taken = clock()
  await finish(engine, granted)
  const finished = clock()
  if (!counts) return
  takes.push(taken)
  pairs.push(finished)
}

async function take(engine: TaskEngine): Promise<Granted> {
  const granted = await engine.take({ isPlain: false, worker: 'worker' })
  if (granted === undefined) throw new Error('no task waits')
  return granted
}

const finish = (engine: TaskEngine, { grant: { id, token } }: Granted) => engine.finish(id, token)

function startClock(): () => Took {
  const [began, cpu] = [performance.now(), ownCpuMs()]
  return () => ({ ms: performance.now() - began, cpuMs: ownCpuMs() - cpu })
}

function print(output: Output, all: readonly Filled[]): void {
  const figures: readonly ((filled: Filled) => number)[] = [
    ({ takes }) => half(takes, 'ms'),
    ({ takes }) => half(takes, 'cpuMs'),
    ({ pairs }) => half(pairs, 'ms'),
    ({ pairs }) => half(pairs, 'cpuMs'),
  ]
  const few = (kind: Kind) => all.find(filled => filled.kind === kind) as Filled
  const against = (filled: Filled) => figures.map(of => of(filled) / of(few(filled.kind)))
  const rows = all.map(filled => {
    const ratios = against(filled)
    const cells = figures.map((of, at) => `${of(filled).toFixed(3)} (${ratios[at]?.toFixed(2)})`)
    return [filled.kind, filled.depth.toLocaleString('en'), ...cells]
  })
  output.line(
    `${TAKES} takes each, medians, in brackets against ${DEPTHS[0].toLocaleString('en')} of the same kind`,
  )
  output.table(['', 'tasks', 'take, ms', 'of that CPU', 'take and finish, ms', 'of that CPU'], rows)
  for (const filled of all.filter(({ depth }) => depth !== DEPTHS[0])) {
    const [ms = Number.NaN, cpuMs = Number.NaN] = against(filled)
    const among = `a take among ${filled.depth.toLocaleString('en')} ${filled.kind}`
    output.goal({ says: `time of ${among}`, found: ms, most: MOST })
    output.goal({ says: `CPU of ${among}`, found: cpuMs, most: MOST })
  }
}

const half = (took: readonly Took[], figure: keyof Took) => median(took.map(one => one[figure]))
