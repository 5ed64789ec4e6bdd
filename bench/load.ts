import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { changes } from '../database/contract.ts'
import { type OpenSystem, openSystem, type SystemOptions } from '../test/system/system.ts'
import { type CpuTime, combineTimes, cpuTimeOf } from './cpu-time.ts'
import { iconForm, type MakeForm } from './forms.ts'
import { checkResults, type Passed } from './results.ts'
import { openUploader, type Uploader } from './uploader.ts'

/** Pause between two looks at the feed of changes, in ms: many changes come at once, which costs next to nothing. */
const LOOK_MS = 50
/** Icons that go through before anything else: so long engines still compile what runs often, which costs as much again. */
const WARM_UP = { pictures: 4_000, lanes: 8, isClosed: false }
/** Forms are made beforehand, at most so many bytes of them at a time: what is measured is not their making. */
const MOST_BYTES = 1_000_000_000

/** What a load has to know of the system under it: ours, or another of its shape. */
export type Subject = Pick<OpenSystem, 'pids' | 'faults' | 'stop' | 'close'> & {
  readonly names: readonly string[]
  readonly urls: Readonly<Record<string, string>>
  /** Where the result of a task is given out; by its frontend unless said. */
  readonly resultOf?: (id: string) => string
}

/** What uploaders do. */
export interface Shape {
  readonly says: string
  /** How many upload at the same time. */
  readonly lanes: number
  /** Whether each waits for its picture before it sends the next. */
  readonly isClosed: boolean
  /** Pause of each between two pictures, in ms; none unless said. */
  readonly pauseMs?: number
  /** How many pictures are measured, and how many like them go through before, behind the icons of the warm-up. */
  readonly pictures: number
  readonly before: number
}

/** What became of it. */
export interface Run {
  /** From the first upload to the end of the last task, in ms. */
  readonly tookMs: number
  /** From the beginning of each upload until its picture was there; until it was accepted where nobody waits; in ms. */
  readonly waitedMs: readonly number[]
  /** CPU time a picture of each process and of the client. */
  readonly cpu: Readonly<Record<string, CpuTime>>
}

/** A load on a system that is warm. */
export interface Load {
  /** Puts so many of its pictures through; what became of them. */
  block(pictures: number): Promise<Run>
  /** Looks at some results of all blocks, which nobody's time counts. Throws when one is wrong. */
  check(): Promise<void>
  /** Stops the system. */
  close(): Promise<void>
}

/** Starts a system and warms it up for this shape, whose number of pictures is the caller's to see to. */
export async function openLoad(shape: Shape, form: MakeForm, open: () => Promise<Subject>): Promise<Load> {
  const { system, uploaders, close } = await openWarm(open, shape.lanes)
  let next = WARM_UP.pictures
  let passed: Passed[] = []
  const put = async (pictures: number): Promise<Run> => {
    const first = next
    const forms = formsFrom(form, next, pictures)
    next += pictures
    // The client itself looks at all others: its own time is taken between.
    const before = { ...cpuOfAll(system.pids()), ...cpuOfAll({ client: process.pid }) }
    const began = performance.now()
    const { ids, waitedMs } = await putThrough(system, uploaders, shape, forms)
    const tookMs = performance.now() - began
    const client = cpuOfAll({ client: process.pid })
    const after = { ...cpuOfAll(system.pids()), ...client }
    const perPicture = ([from = 0, to = 0]: readonly number[]) => (to - from) / pictures
    const cpu = Object.entries(after).map(([name, to]) => [
      name,
      combineTimes([before[name] as CpuTime, to], perPicture),
    ])
    const faults = system.faults()
    if (faults.length > 0) throw new Error(faults.join('\n'))
    passed.push(...ids.map((id, at) => ({ id, number: first + at })))
    return { tookMs, waitedMs, cpu: Object.fromEntries(cpu) }
  }
  try {
    await put(shape.before)
    passed = []
  } catch (error) {
    await close()
    throw error
  }
  const { frontend = '' } = system.urls
  const resultOf = system.resultOf ?? (id => `${frontend}/getImage?id=${id}`)
  return { block: put, check: () => checkResults(passed, form, resultOf), close }
}

/** Starts a system, warms it up, puts the pictures through it, and looks at some of the results. */
export async function runShape(shape: Shape, form: MakeForm, open: () => Promise<Subject>): Promise<Run> {
  const load = await openLoad(shape, form, open)
  try {
    const run = await load.block(shape.pictures)
    await load.check()
    return run
  } finally {
    await load.close()
  }
}

/** Starts a system, warms it up, and lets `use` put pictures through it, icons unless said, eight at a time, as fast as they go. */
export async function runWarm<T>(
  options: SystemOptions,
  use: (system: OpenSystem, put: (pictures: number) => Promise<void>) => Promise<T>,
  form: MakeForm = iconForm,
): Promise<T> {
  let next = WARM_UP.pictures
  const { system, uploaders, close } = await openWarm(() => openSystem(options), WARM_UP.lanes)
  try {
    return await use(system, async pictures => {
      const forms = formsFrom(form, next, pictures)
      next += pictures
      await putThrough(system, uploaders, WARM_UP, forms)
    })
  } finally {
    await close()
  }
}

interface Warm<S> {
  readonly system: S
  readonly uploaders: readonly Uploader[]
  close(): Promise<void>
}

async function openWarm<S extends Subject>(open: () => Promise<S>, lanes: number): Promise<Warm<S>> {
  const system = await open()
  const uploaders = openUploaders(system, lanes)
  const close = async () => {
    await Promise.all(uploaders.map(uploader => uploader.close()))
    await system.stop()
    await system.close()
  }
  try {
    const warmUp = { ...WARM_UP, lanes: Math.max(WARM_UP.lanes, lanes) }
    await putThrough(system, uploaders, warmUp, formsFrom(iconForm, 0, WARM_UP.pictures))
    return { system, uploaders, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** One for each frontend. */
export function openUploaders({ names, urls }: Subject, lanes: number): Uploader[] {
  const frontends = names.filter(name => name.startsWith('frontend'))
  return frontends.map(name => openUploader(urls[name] as string, lanes))
}

export function formsFrom(form: MakeForm, first: number, count: number): Buffer[] {
  const forms: Buffer[] = []
  let bytes = 0
  for (let number = first; number < first + count; number += 1) {
    const made = form(number)
    bytes += made.length
    if (bytes > MOST_BYTES) throw new Error(`${count} pictures are more than ${MOST_BYTES} bytes`)
    forms.push(made)
  }
  return forms
}

/** What became of pictures: their ids in the order of the forms, and how long each took. */
interface PutThrough {
  readonly ids: readonly string[]
  readonly waitedMs: readonly number[]
}

/** Puts pictures through, by all uploaders in turn; resolves once every task has ended well. */
export async function putThrough(
  system: Subject,
  uploaders: readonly Uploader[],
  { lanes, isClosed, pauseMs = 0 }: Pick<Shape, 'lanes' | 'isClosed' | 'pauseMs'>,
  forms: readonly Buffer[],
): Promise<PutThrough> {
  const ids: string[] = []
  const waitedMs: number[] = []
  const since = (await readFeed(system, Number.MAX_SAFE_INTEGER)).revision
  let next = 0
  const lane = async (uploader: Uploader) => {
    for (let at = next++; at < forms.length; at = next++) {
      const began = performance.now()
      const id = await uploader.upload(forms[at] as Buffer)
      ids[at] = id
      if (isClosed) await uploader.waitFor(id)
      waitedMs.push(performance.now() - began)
      if (pauseMs > 0) await delay(pauseMs)
    }
  }
  await Promise.all(
    Array.from({ length: lanes }, (_, at) => lane(uploaders[at % uploaders.length] as Uploader)),
  )
  await waitForEnds(system, since, new Set(ids))
  return { ids, waitedMs }
}

/** Reads the feed of changes until all of these have finished. */
async function waitForEnds(system: Subject, from: number, ids: Set<string>): Promise<void> {
  let since = from
  while (ids.size > 0) {
    const page = await readFeed(system, since)
    since = page.revision
    for (const { id, state } of page.tasks) {
      if (state === 3) throw new Error(`task ${id} failed`)
      if (state === 2) ids.delete(String(id))
    }
    if (page.tasks.length === 0) await delay(LOOK_MS)
  }
}

async function readFeed(system: Subject, since: number) {
  const { body } = await request(`${system.urls.database}/changes?since=${since}`)
  return changes.parse(await body.json())
}

/** The CPU time of several runs of the same processes, by process. */
export function combineRuns(
  runs: readonly Run[],
  combine: (ms: readonly number[]) => number,
): Record<string, CpuTime> {
  const names = Object.keys(runs[0]?.cpu ?? {})
  const timesOf = (name: string) => runs.map(({ cpu }) => cpu[name] as CpuTime)
  return Object.fromEntries(names.map(name => [name, combineTimes(timesOf(name), combine)]))
}

function cpuOfAll(pids: Readonly<Record<string, number>>): Record<string, CpuTime> {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, cpuTimeOf(pid)]))
}
