import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { OpenSystem } from '../test/system/system.ts'
import { waitFor } from '../test/system/waiting.ts'
import type { Bench, Part } from './bench.ts'
import { type Calls, countCalls, findStrace } from './calls.ts'
import type { Delays } from './delaying.ts'
import { formsOf, iconForm, type MakeForm } from './forms.ts'
import { layers, readProfile, type Taken } from './layers.ts'
import { runWarm } from './load.ts'
import type { Output } from './output.ts'
import { openSet } from './pictures.ts'
import { WATCH_FOLDER, WATCH_SIGNAL, watchedPath } from './watch.ts'

/** What goes through in each part: one system is started for each. */
interface Profiled {
  readonly says: string
  /** Which ones. */
  readonly origin: string
  readonly form: MakeForm
  /** How many are looked at, and how many go through before, behind the icons of the warm-up. */
  readonly pictures: number
  readonly before: number
}
const icons: Profiled = {
  says: 'icons',
  origin: 'each another one',
  form: iconForm,
  pictures: 3_000,
  before: 0,
}
function photographs(folder: string): Profiled {
  const { pictures, origin } = openSet('photographs', folder)
  return {
    says: 'photographs',
    origin: `${pictures.length} different ones ${origin}`,
    form: formsOf(pictures),
    pictures: 480,
    // As many as before the pipeline's: until then engines compile what streams.
    before: 1_000,
  }
}
/** Functions, and calls of the kernel, that are listed: those that take most, or come most often. */
const LISTED = 25
/** Where profiles are kept. */
const KEPT = 'dist/profiles'

/** Where the time of the six goes while eight upload as fast as they can, once engines have compiled what runs often. */
export const profile: Bench = {
  question:
    'Where do the six spend their time, how long do their loops keep others waiting, what do they ask of the kernel?',
  needs: [{ package: 'strace', for: 'calls', name: 'strace', find: findStrace }],
  parts: { time: ofEach(printTime), delay: ofEach(printDelay), calls: ofEach(printCalls) },
}

function ofEach(print: (output: Output, folder: string, load: Profiled) => Promise<void>): Part {
  return async (output, folder) => {
    for (const load of [icons, photographs(folder)]) await print(output, folder, load)
  }
}

async function printTime(output: Output, folder: string, load: Profiled): Promise<void> {
  const watched = await watch<Profiler.Profile>(folder, 'profiling.js', load)
  const msOf = (taken: readonly Taken[]) =>
    (taken.reduce((sum, { us }) => sum + us, 0) / 1_000 / load.pictures).toFixed(3)
  const all = [...watched].map(([name, { seen, path }]) => {
    mkdirSync(KEPT, { recursive: true })
    copyFileSync(path, join(KEPT, `${load.says}-${name}.cpuprofile`))
    return { name, taken: readProfile(seen) }
  })
  output.line(
    `\n${describe(load)}; ms a picture on the loop of each, waits for the disk included where it waits itself`,
  )
  output.table(
    ['', 'all', ...layers],
    all.map(({ name, taken }) => [
      name,
      msOf(taken),
      ...layers.map(layer => msOf(taken.filter(one => one.layer === layer))),
    ]),
  )
  const most = all.flatMap(({ name, taken }) => sumUp(taken).map(one => ({ service: name, ...one })))
  output.line(`The ${LISTED} functions that take most, without what they call:`)
  output.table(
    ['', 'function', 'of', 'us a picture'],
    most
      .sort((a, b) => b.us - a.us)
      .slice(0, LISTED)
      .map(({ service, name, module, layer, us }) => [
        service,
        `\`${name}\``,
        module === '' ? `${layer}, machine code` : `\`${module.replace(/^.*node_modules\//, '')}\``,
        (us / load.pictures).toFixed(1),
      ]),
  )
  output.line(
    `Chromium's DevTools draw a flame graph of each (Performance, Load profile): \`${KEPT}/${load.says}-*.cpuprofile\`.`,
  )
}

async function printDelay(output: Output, folder: string, load: Profiled): Promise<void> {
  const watched = await watch<Delays>(folder, 'delaying.js', load)
  output.line(`\n${describe(load)}; how long what is due waits for the loop`)
  output.table(
    ['', 'loop at work', 'p50 ms', 'p99 ms', 'longest ms'],
    [...watched].map(([name, { seen }]) => [
      name,
      `${(seen.busy * 100).toFixed(0)} %`,
      ...[seen.p50Ms, seen.p99Ms, seen.longestMs].map(ms => ms.toFixed(1)),
    ]),
  )
}

async function printCalls(output: Output, folder: string, load: Profiled): Promise<void> {
  if (findStrace() === undefined) return output.line('left out')
  const traces = mkdtempSync(join(folder, 'calls-'))
  const { form, pictures, before } = load
  const count = async (system: OpenSystem, put: (pictures: number) => Promise<void>) => {
    await put(before)
    return countCalls(system.pids(), traces, () => put(pictures))
  }
  const counted = await runWarm({ dataDir: mkdtempSync(join(folder, 'system-')) }, count, form)
  const names = [...new Set([...counted.values()].flatMap(calls => [...calls.keys()]))]
  const sumOf = (name: string) =>
    [...counted.values()].reduce((sum, calls) => sum + (calls.get(name) ?? 0), 0)
  const listed = names.sort((a, b) => sumOf(b) - sumOf(a)).slice(0, LISTED)
  const allOf = (calls: Calls) => [...calls.values()].reduce((sum, count) => sum + count, 0)
  const each = (count: number) => (count / pictures).toFixed(2)
  output.line(`\n${describe(load)}; calls a picture, all threads`)
  output.table(
    ['', ...counted.keys()],
    [
      ['all', ...[...counted.values()].map(calls => each(allOf(calls)))],
      ...listed.map(name => [name, ...[...counted.values()].map(calls => each(calls.get(name) ?? 0))]),
    ],
  )
}

const describe = ({ pictures, says, origin }: Profiled) =>
  `${pictures.toLocaleString('en')} ${says}, ${origin}`

/** What each service saw of itself under load, started with that module, and the file of it. */
async function watch<T>(
  folder: string,
  module: string,
  { form, pictures, before }: Profiled,
): Promise<Map<string, { seen: T; path: string }>> {
  const seenIn = mkdtempSync(join(folder, 'seen-'))
  const env = {
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, module))}`,
    [WATCH_FOLDER]: seenIn,
  }
  const see = async (system: OpenSystem, put: (pictures: number) => Promise<void>) => {
    await put(before)
    tellAll(system)
    await put(pictures)
    tellAll(system)
    const paths = Object.entries(system.pids()).map(
      ([name, pid]) => [name, watchedPath(seenIn, pid)] as const,
    )
    await waitFor('what was seen', () => paths.every(([, path]) => existsSync(path)))
    return new Map(
      paths.map(([name, path]) => [name, { seen: JSON.parse(readFileSync(path, 'utf8')) as T, path }]),
    )
  }
  return runWarm({ dataDir: mkdtempSync(join(folder, 'system-')), env }, see, form)
}

function tellAll(system: OpenSystem): void {
  for (const pid of Object.values(system.pids())) process.kill(pid, WATCH_SIGNAL)
}

/** What is called from several places, or by several, once. */
function sumUp(taken: readonly Taken[]): Taken[] {
  const sums = new Map<string, Taken>()
  for (const one of taken) {
    const key = [one.layer, one.name, one.module].join('\n')
    sums.set(key, { ...one, us: one.us + (sums.get(key)?.us ?? 0) })
  }
  return [...sums.values()]
}
