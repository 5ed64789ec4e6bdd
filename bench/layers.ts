import { readFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'

/** Whose code a moment of a thread went to; `the rest` is machine code that nobody in JavaScript called. */
export const layers = [
  'ours',
  'Fastify',
  'undici',
  'libsql',
  'other libraries',
  'Node',
  'garbage',
  'the rest',
] as const
export type Layer = (typeof layers)[number]

/** What ran, and for how long, in us, without what it called. */
export interface Taken {
  readonly layer: Layer
  readonly name: string
  /** The file that it was written in; `node:...` in Node; empty for machine code. */
  readonly module: string
  readonly us: number
}

const PACKAGES: Readonly<Record<string, Layer>> = { fastify: 'Fastify', undici: 'undici', libsql: 'libsql' }
const ENGINE: Readonly<Record<string, Layer>> = { '(garbage collector)': 'garbage', '(program)': 'the rest' }

/**
 * What a profile (of Chrome's DevTools protocol, Profiler.Profile) says each function took, idleness left out. Machine code
 * counts for the layer of who called it, waits for a disk included.
 */
export function readProfile(profile: Profiler.Profile): Taken[] {
  const parents = new Map<number, number>()
  for (const { id, children = [] } of profile.nodes) for (const child of children) parents.set(child, id)
  const nodes = new Map(profile.nodes.map(node => [node.id, node]))
  const findModule = createModules()

  const layerOf = (id: number | undefined): Layer => {
    const frame = nodes.get(id ?? 0)?.callFrame
    if (frame === undefined) return 'Node'
    const ofEngine = ENGINE[frame.functionName]
    if (ofEngine !== undefined) return ofEngine
    const module = findModule(frame.url, frame.lineNumber)
    return module === '' ? layerOf(parents.get(id as number)) : layerOfModule(module)
  }

  const took = new Map<number, number>()
  for (const [at, id] of (profile.samples ?? []).entries())
    took.set(id, (took.get(id) ?? 0) + (profile.timeDeltas?.[at] ?? 0))

  const taken: Taken[] = []
  for (const [id, us] of took) {
    const frame = nodes.get(id)?.callFrame
    if (frame === undefined || frame.functionName === '(idle)') continue
    const name = frame.functionName || '(anonymous)'
    taken.push({ layer: layerOf(id), name, module: findModule(frame.url, frame.lineNumber), us })
  }
  return taken
}

function layerOfModule(module: string): Layer {
  if (module.startsWith('node:')) return 'Node'
  const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(module)?.[1]
  return name === undefined ? 'ours' : (PACKAGES[name] ?? 'other libraries')
}

/**
 * Finds the file that a line of a script was written in; empty where there is none. Bundles name each file in a line of its own
 * before what it holds, as esbuild writes them.
 */
function createModules(): (url: string, line: number) => string {
  const bundles = new Map<string, { line: number; module: string }[]>()
  const readParts = (url: string) => {
    const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n')
    return lines.flatMap((text, line) => {
      const module = /^\s*\/\/ (\S+\.[cm]?[jt]s)$/.exec(text)?.[1]
      return module === undefined ? [] : [{ line, module }]
    })
  }
  return (url, line) => {
    if (!url.startsWith('file:')) return url.startsWith('node:') ? url : ''
    if (/\/node_modules\//.test(url)) return fileURLToPath(url)
    const parts = bundles.get(url) ?? readParts(url)
    bundles.set(url, parts)
    return parts.findLast(part => part.line <= line)?.module ?? fileURLToPath(url)
  }
}
