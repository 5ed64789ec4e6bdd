import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Longer than the engine sweeps after a collection, in ms. */
const SWEEP_MS = 20

/** Tells a process that was started with collecting.ts to collect all garbage. */
export const COLLECT_SIGNAL = 'SIGUSR2'

let collect: (() => void) | undefined

/** Collects all garbage. The engine's own threads go on sweeping for a while, which is nobody's turn. */
export async function cleanUp(): Promise<void> {
  collectGarbage()
  await delay(SWEEP_MS)
}

/** Collects all garbage of this thread. */
export function collectGarbage(): void {
  collect ??= findCollector()
  collect()
}

/** The engine shows it to contexts that are made once it was told to. */
function findCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
