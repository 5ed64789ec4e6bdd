import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRandom } from '../test/images/random.ts'
import type { OpenDeployment } from './deployment.ts'
import type { Fault, Figure, Need } from './fault.ts'
import type { Findings } from './findings.ts'
import { openScene } from './scene.ts'

/** What became of one fault. */
export interface Trial {
  readonly fault: Fault
  readonly rounds: number
  readonly seed: number
  readonly took: number
  readonly result:
    | { readonly figures: readonly Figure[]; readonly findings: Findings }
    | { readonly leftOut: string }
}

export interface TrialOptions {
  readonly fault: Fault
  readonly rounds?: number | undefined
  readonly seed: number
  readonly isFull: boolean
  /** Opens the system it is tried on. */
  readonly open: OpenDeployment
  /** True when that is one of its own. */
  readonly isOwn: boolean
  readonly say: (line: string) => void
}

/** Tries one fault, if this machine has what it needs. `took` is in ms. */
export async function tryFault(options: TrialOptions): Promise<Trial> {
  const { fault, seed, isFull, say } = options
  const rounds = options.rounds ?? (isFull ? fault.rounds.full : fault.rounds.short || 1)
  const from = performance.now()
  const trial = (result: Trial['result']): Trial => ({
    fault,
    rounds,
    seed,
    took: performance.now() - from,
    result,
  })
  if (!options.isOwn && !fault.worksAnywhere) return trial({ leftOut: 'needs a system of its own' })
  const lacking = (fault.needs ?? []).find(need => !isThere(need))
  if (lacking !== undefined) return trial({ leftOut: `needs ${lacking}` })
  const random = createRandom(`${fault.name} ${seed}`)
  const open = (scene = {}) => openScene(options.open, seed, scene)
  return trial(await fault.run({ rounds, isFull, random, seed, open, say }))
}

function isThere(need: Need): boolean {
  if (need === 'root') return process.getuid?.() === 0
  const [kind, name = ''] = need.split(' ')
  if (kind === 'command') return spawnSync('which', [name]).status === 0
  return existsSync(`/usr/share/doc/${name}`)
}
