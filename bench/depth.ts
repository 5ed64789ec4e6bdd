import { join } from 'node:path'
import type { TaskEngine } from '../database/engine.ts'
import { openSqliteTasks } from '../database/engines/sqlite.ts'
import { ownCpuMs } from './cpu.ts'
import type { Output } from './output.ts'
import { median } from './spread.ts'
import { fillTasks, finishTask, type Kind, takeTask } from './tasks.ts'

const KINDS: readonly Kind[] = ['waiting', 'running', 'finished']
const DEPTHS = [1_000, 100_000, 1_000_000] as const
const WARM_UP = 100
const TAKES = 500
/** Longer than all of this, in ms: no lease ends meanwhile. */
const LEASE_MS = 86_400_000
/** What a take may cost at most, against one with the fewest tasks. */
const MOST = 1.5

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
        await fillTasks(engine, kind, depth)
        await fillTasks(engine, 'waiting', WARM_UP + TAKES)
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

async function measure({ engine, takes, pairs }: Filled, counts: boolean): Promise<void> {
  const clock = startClock()
  const granted = await takeTask(engine)
  const taken = clock()
  await finishTask(engine, granted)
  const finished = clock()
  if (!counts) return
  takes.push(taken)
  pairs.push(finished)
}

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
