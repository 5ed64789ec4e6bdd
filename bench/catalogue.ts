import type { Bench } from './bench.ts'

/**
 * All benches, in the order in which they run and stand in the report: what the codec costs, each service beside its peers,
 * then all six together. Each is loaded alone: what others import would be in its memory.
 */
const catalogue: Readonly<Record<string, () => Promise<Bench>>> = {
  codec: async () => (await import('./codec.bench.ts')).codec,
  steps: async () => (await import('./steps.bench.ts')).steps,
  instructions: async () => (await import('./instructions.bench.ts')).instructions,
  levels: async () => (await import('./levels.bench.ts')).levels,
  crc: async () => (await import('./crc.bench.ts')).crc,
  hop: async () => (await import('./hop.bench.ts')).hop,
  'kv-store': async () => (await import('./kv-store.bench.ts')).kvStore,
  storage: async () => (await import('./storage.bench.ts')).storage,
  dispatch: async () => (await import('./dispatch.bench.ts')).dispatch,
  start: async () => (await import('./start.bench.ts')).start,
  pipeline: async () => (await import('./pipeline.bench.ts')).pipeline,
  way: async () => (await import('./way.bench.ts')).way,
  profile: async () => (await import('./profile.bench.ts')).profile,
  scaling: async () => (await import('./scaling.bench.ts')).scaling,
  shares: async () => (await import('./shares.bench.ts')).shares,
  page: async () => (await import('./page.bench.ts')).page,
  streams: async () => (await import('./streams.bench.ts')).streams,
  memory: async () => (await import('./memory.bench.ts')).memory,
}

export const benchNames: readonly string[] = Object.keys(catalogue)

export async function loadBench(name: string): Promise<Bench> {
  const load = catalogue[name]
  if (load === undefined) throw new Error(`there is no bench ${name}`)
  return load()
}
