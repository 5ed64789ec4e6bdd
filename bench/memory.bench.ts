import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { type Sample, slopeOf } from '../faults/slope.ts'
import { openSystem } from '../test/system/system.ts'
import { iconForm } from './forms.ts'
import { formsFrom, openUploaders, putThrough } from './load.ts'
import { printTable } from './table.ts'

/**
 * What memory does each service take, idle after its start, at full load, and does it grow with the tasks it has done?
 * `npm run bench memory [TASKS]`; 100,000 unless said. In PSS, which counts what processes share once in all.
 */
const tasks = Number(process.argv[2] ?? 100_000)
const STEP = 5_000
/** Heaps grow to their size over the first tasks, which is no slope. */
const WARM_UP = 20_000
/** What the slope is counted in. */
const SLOPE_TASKS = 100_000
/** Idle is after so long without anything to do, in ms: engines give back later what they do not need. */
const IDLE_MS = 10_000
const UPLOADERS = { lanes: 8, isClosed: false }

const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
const system = await openSystem()
const uploaders = openUploaders(system, UPLOADERS.lanes)
const samples = new Map<string, Sample[]>(system.names.map(name => [name, []]))
try {
  await delay(IDLE_MS)
  const idle = measure()
  const most: Record<string, number> = { ...idle }
  for (let done = 0; done < tasks; done += STEP) {
    const forms = formsFrom(iconForm, done, Math.min(STEP, tasks - done))
    await putThrough(system, uploaders, UPLOADERS, forms)
    const now = measure()
    for (const [name, value] of Object.entries(now)) {
      most[name] = Math.max(most[name] ?? 0, value)
      if (done + STEP > WARM_UP)
        samples.get(name)?.push({ life: name, at: (done + STEP) / SLOPE_TASKS, value })
    }
  }
  await delay(IDLE_MS)
  const after = measure()
  const rows = system.names.map(name => {
    const { rise, spread } = slopeOf(samples.get(name) ?? [])
    const slope = Number.isNaN(rise) ? '' : `${megabytes(rise)} ± ${megabytes(spread)}`
    return [name, ...[idle, most, after].map(figures => megabytes(figures[name] ?? 0)), slope]
  })
  const total = [idle, most, after].map(figures =>
    megabytes(Object.values(figures).reduce((sum, value) => sum + value, 0)),
  )
  console.log(`PSS in MB; ${tasks} icons`)
  printTable(
    ['', 'idle after the start', 'most at full load', 'idle afterwards', 'more for 100,000 tasks'],
    [...rows, ['all', ...total, '']],
  )
} finally {
  await Promise.all(uploaders.map(uploader => uploader.close()))
  await system.stop()
  await system.close()
}

/** Bytes of each service. */
function measure(): Record<string, number> {
  return Object.fromEntries(Object.entries(system.pids()).map(([name, pid]) => [name, pssOf(pid)]))
}

function pssOf(pid: number): number {
  const kilobytes = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1]
  return Number(kilobytes) * 1_024
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(1)
}
