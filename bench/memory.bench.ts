import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Sample, type Slope, slopeOf } from '../faults/slope.ts'
import { Failure } from '../scripts/failure.ts'
import { type OpenSystem, openSystem } from '../test/system/system.ts'
import type { PlainBench } from './bench.ts'
import { formsOf, iconForm, type MakeForm } from './forms.ts'
import { COLLECT_SIGNAL } from './garbage.ts'
import type { Goal } from './goal.ts'
import { formsFrom, openUploaders, putThrough } from './load.ts'
import type { Output } from './output.ts'
import { createPeak, type Memory, type Peak, totalOf } from './peak.ts'
import { openSet, type PictureSet } from './pictures.ts'
import { pssOf } from './pss.ts'

const TASKS = 400_000
const STEP = 5_000
/** As many as a row of the pipeline has, so many at a time. */
const PHOTOGRAPHS = 960
const PHOTOGRAPHS_STEP = 240
/** Heaps, and what engines keep beside them, grow to their size over the first tasks and minutes, which is no slope. */
const WARM_UP = 100_000
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
/** The most that growth may be uncertain by, in MB: two standard errors. A wider one would pass whatever the growth is. */
const MOST_SPREAD = 5

/** In PSS, which counts what processes share once in all. */
interface Watched {
  /** Idle after the start. */
  readonly idle: Memory
  /** At full load, and idle afterwards: of icons, then of photographs. */
  readonly icons: Peak
  readonly afterIcons: Memory
  readonly photographs: Peak
  readonly afterPhotographs: Memory
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
    const set = openSet('photographs', folder)
    const system = await openSystem({ dataDir: mkdtempSync(join(folder, 'system-')), env })
    try {
      const watched = await watch(system, Number(text), formsOf(set.pictures))
      const load = `${Number(text).toLocaleString('en')} icons, ${describePhotographs(set)}`
      print(output, load, system.names, watched)
    } finally {
      await system.stop()
      await system.close()
    }
  },
}

async function watch(system: OpenSystem, tasks: number, photograph: MakeForm): Promise<Watched> {
  const uploaders = openUploaders(system, UPLOADERS.lanes)
  const samples = new Map<string, Sample[]>(system.names.map(name => [name, []]))
  const look = () => measure(system)
  const [icons, photographs] = [createPeak(look), createPeak(look)]
  const put = (peak: Peak, forms: readonly Buffer[]) =>
    peak.during(() => putThrough(system, uploaders, UPLOADERS, forms))
  await delay(IDLE_MS)
  const idle = look()
  for (let done = 0; done < tasks; done += STEP) {
    await put(icons, formsFrom(iconForm, done, Math.min(STEP, tasks - done)))
    if (done + STEP <= WARM_UP) continue
    await collect(system)
    for (const [name, value] of Object.entries(look()))
      samples.get(name)?.push({ life: name, at: (done + STEP) / SLOPE_TASKS, value })
  }
  await collect(system)
  await delay(IDLE_MS)
  const afterIcons = look()
  for (let done = 0; done < PHOTOGRAPHS; done += PHOTOGRAPHS_STEP)
    await put(photographs, formsFrom(photograph, done, PHOTOGRAPHS_STEP))
  await Promise.all(uploaders.map(uploader => uploader.close()))
  await collect(system)
  await delay(IDLE_MS)
  return { idle, icons, afterIcons, photographs, afterPhotographs: look(), samples }
}

/** Has all of them collect their garbage. */
async function collect(system: OpenSystem): Promise<void> {
  for (const pid of Object.values(system.pids())) process.kill(pid, COLLECT_SIGNAL)
  await delay(COLLECTED_MS)
}

function print(output: Output, load: string, names: readonly string[], watched: Watched): void {
  const { idle, icons, afterIcons, photographs, afterPhotographs, samples } = watched
  const slopes = names.map(name => ({ name, ...slopeOf(samples.get(name) ?? []) }))
  const columns = [idle, icons.each(), afterIcons, photographs.each(), afterPhotographs]
  const rows = slopes.map(({ name, rise, spread }) => {
    const slope = Number.isNaN(spread) ? '' : `${megabytes(rise)} ± ${megabytes(spread)}`
    return [name, ...columns.map(figures => megabytes(figures[name] ?? 0)), slope]
  })
  const totals = [
    totalOf(idle),
    icons.all(),
    totalOf(afterIcons),
    photographs.all(),
    totalOf(afterPhotographs),
  ]
  output.line(`\nPSS in MB; ${load}`)
  const head = [
    '',
    'idle after the start',
    'most at full load of icons',
    'idle afterwards, collected',
    'most at full load of photographs',
    'idle afterwards, collected',
    'more for 100,000 icons',
  ]
  output.table(head, [...rows, ['all at once', ...totals.map(megabytes), '']])
  output.goal({
    says: 'idle after the start, all together',
    unit: 'MB',
    found: totalOf(idle) / 1e6,
    most: MOST_IDLE,
  })
  for (const slope of slopes) for (const goal of growthGoals(slope)) output.goal(goal)
}

/** That it did not grow for certain, and that this is certain enough: both, or a slope of nothing but noise would pass. */
function growthGoals({ name, rise, spread }: Slope & { readonly name: string }): readonly Goal[] {
  const says = `growth of ${name} for 100,000 tasks`
  return [
    {
      says: `${says}, less its spread`,
      unit: 'MB',
      found: Math.max(0, rise - spread) / 1e6,
      most: MOST_GROWTH,
    },
    { says: `spread of the ${says}`, unit: 'MB', found: spread / 1e6, most: MOST_SPREAD },
  ]
}

function describePhotographs({ origin, pictures }: PictureSet): string {
  return `then ${PHOTOGRAPHS} photographs, ${pictures.length} different ones ${origin}`
}

function measure(system: OpenSystem): Memory {
  return Object.fromEntries(Object.entries(system.pids()).map(([name, pid]) => [name, pssOf(pid)]))
}

const megabytes = (bytes: number) => (bytes / 1_000_000).toFixed(1)
