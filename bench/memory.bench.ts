import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Sample, slopeOf } from '../faults/slope.ts'
import { Failure } from '../scripts/failure.ts'
import { type OpenSystem, openSystem } from '../test/system/system.ts'
import type { PlainBench } from './bench.ts'
import { iconForm } from './forms.ts'
import { COLLECT_SIGNAL } from './garbage.ts'
import { formsFrom, openUploaders, putThrough } from './load.ts'
import type { Output } from './output.ts'
import { pssOf } from './pss.ts'

const TASKS = 200_000
const STEP = 5_000
/** Heaps, and what engines keep beside them, grow to their size over the first tasks, which is no slope. */
const WARM_UP = 60_000
/** What the slope is counted in. */
const SLOPE_TASKS = 100_000
/** Collecting has been over for long after so many ms, and what became free was given back. */
const COLLECTED_MS = 1_000
/** Idle is after so long without anything to do, in ms: engines give back later what they do not need. */
const IDLE_MS = 10_000
const UPLOADERS = { lanes: 8, isClosed: false }
/** What all may take together after their start, and what each may grow by in SLOPE_TASKS, in MB. */
const MOST_IDLE = 300
const MOST_GROWTH = 1

/** Bytes of each service, in PSS, which counts what processes share once in all. */
type Memory = Readonly<Record<string, number>>

interface Watched {
  /** Idle after the start, at full load, idle afterwards. */
  readonly idle: Memory
  readonly most: Memory
  readonly after: Memory
  /** Between bursts of full load, garbage collected: when an engine does that of itself is no slope, and no trifle beside one. */
  readonly samples: ReadonlyMap<string, readonly Sample[]>
}

export const memory: PlainBench = {
  question: 'What memory does each service take, and does it grow with the tasks it has done?',
  takes: '[TASKS]',
  async run(output, folder, [text = String(TASKS)]) {
    if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new Failure(`${text} is no number of tasks`, 2)
    const collecting = join(import.meta.dirname, 'collecting.js')
    const env = { NODE_OPTIONS: `--import ${pathToFileURL(collecting)}` }
    const system = await openSystem({ dataDir: folder, env })
    try {
      print(output, Number(text), system.names, await watch(system, Number(text)))
    } finally {
      await system.stop()
      await system.close()
    }
  },
}

async function watch(system: OpenSystem, tasks: number): Promise<Watched> {
  const uploaders = openUploaders(system, UPLOADERS.lanes)
  const samples = new Map<string, Sample[]>(system.names.map(name => [name, []]))
  await delay(IDLE_MS)
  const idle = measure(system)
  const most: Record<string, number> = { ...idle }
  for (let done = 0; done < tasks; done += STEP) {
    const forms = formsFrom(iconForm, done, Math.min(STEP, tasks - done))
    await putThrough(system, uploaders, UPLOADERS, forms)
    for (const [name, value] of Object.entries(measure(system))) most[name] = Math.max(most[name] ?? 0, value)
    if (done + STEP <= WARM_UP) continue
    for (const pid of Object.values(system.pids())) process.kill(pid, COLLECT_SIGNAL)
    await delay(COLLECTED_MS)
    for (const [name, value] of Object.entries(measure(system)))
      samples.get(name)?.push({ life: name, at: (done + STEP) / SLOPE_TASKS, value })
  }
  await Promise.all(uploaders.map(uploader => uploader.close()))
  await delay(IDLE_MS)
  return { idle, most, after: measure(system), samples }
}

function print(output: Output, tasks: number, names: readonly string[], watched: Watched): void {
  const { idle, most, after, samples } = watched
  const slopes = names.map(name => ({ name, ...slopeOf(samples.get(name) ?? []) }))
  const rows = slopes.map(({ name, rise, spread }) => {
    const slope = Number.isNaN(rise) ? '' : `${megabytes(rise)} ± ${megabytes(spread)}`
    return [name, ...[idle, most, after].map(figures => megabytes(figures[name] ?? 0)), slope]
  })
  const totals = [idle, most, after].map(total)
  output.line(`\nPSS in MB; ${tasks.toLocaleString('en')} icons`)
  output.table(
    ['', 'idle after the start', 'most at full load', 'idle afterwards', 'more for 100,000 tasks'],
    [...rows, ['all', ...totals.map(megabytes), '']],
  )
  output.goal({ says: 'idle, all together', unit: 'MB', found: total(idle) / 1e6, most: MOST_IDLE })
  for (const { name, rise, spread } of slopes) {
    // Below what the samples cannot tell from nothing: a slope whose spread reaches zero is none.
    const found = Math.max(0, rise - spread) / 1e6
    output.goal({
      says: `growth of ${name} for 100,000 tasks, less its spread`,
      unit: 'MB',
      found,
      most: MOST_GROWTH,
    })
  }
}

function measure(system: OpenSystem): Memory {
  return Object.fromEntries(Object.entries(system.pids()).map(([name, pid]) => [name, pssOf(pid)]))
}

const total = (memory: Memory) => Object.values(memory).reduce((sum, bytes) => sum + bytes, 0)

const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(1)
