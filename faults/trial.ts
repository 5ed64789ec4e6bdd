import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRandom } from '../test/images/random.ts'
import type { OpenDeployment } from './deployment.ts'
import type { Fault, Figure, Need, Stage } from './fault.ts'
import type { Findings } from './findings.ts'
import { inputScene, isInputFault, sendOrClose } from './input.ts'
import { openScene, type Scene, type SceneOptions } from './scene.ts'

/** What became of one fault. */
export interface Trial {
  readonly fault: Fault
  readonly rounds: number
  readonly seed: number
  readonly took: number
  readonly result:
    | { readonly figures: readonly Figure[]; readonly findings: Findings }
    | { readonly leftOut: string }
    | { readonly brokenOff: string }
}

export interface TrialOptions {
  readonly rounds?: number | undefined
  readonly seed: number
  readonly isFull: boolean
  /** Opens the system it is tried on. */
  readonly open: OpenDeployment
  /** True when that is one of its own. */
  readonly isOwn: boolean
  readonly say: (line: string) => void
}

/** What is tried on one system: each fault has its own, but for input faults in the short run. */
export function batchesOf(faults: readonly Fault[], isFull: boolean): readonly (readonly Fault[])[] {
  const sharing = isFull ? [] : faults.filter(isInputFault)
  const [first] = sharing
  return faults.flatMap<readonly Fault[]>(fault => {
    if (fault === first) return [sharing]
    return sharing.some(shared => shared === fault) ? [] : [[fault]]
  })
}

/**
 * Tries the faults of a batch, if this machine has what they need; one that could not be brought about is broken off, and its
 * system closed. `took` is in ms. Faults that share a system have its
 * findings in common: what broke in the end may be the doing of any of them.
 */
export async function tryBatch(faults: readonly Fault[], options: TrialOptions): Promise<Trial[]> {
  const { seed, isFull, isOwn, say } = options
  const trials: Trial[] = []
  const roundsOf = ({ rounds }: Fault) => options.rounds ?? (isFull ? rounds.full : rounds.short || 1)
  const scenes: Scene[] = []
  const open = async (settings: SceneOptions = {}) => {
    const scene = await openScene(options.open, seed, settings)
    scenes.push(scene)
    return scene
  }
  const stageOf = (fault: Fault): Stage => {
    const random = createRandom(`${fault.name} ${seed}`)
    return { rounds: roundsOf(fault), isFull, random, seed, open, say }
  }
  const note = (fault: Fault, from: number, result: Trial['result']) =>
    trials.push({ fault, rounds: roundsOf(fault), seed, took: performance.now() - from, result })

  const fit: Fault[] = []
  for (const fault of faults) {
    const reason = lackOf(fault, isOwn)
    if (reason === undefined) fit.push(fault)
    else note(fault, performance.now(), { leftOut: reason })
  }
  const together = fit.length > 1 ? fit.filter(isInputFault) : []
  if (together.length > 0) {
    const left = [...together]
    let from = performance.now()
    try {
      const scene = await open(inputScene)
      for (const fault of together) {
        from = performance.now()
        const figures = await sendOrClose(fault, scene, stageOf(fault))
        note(fault, from, { figures, findings: scene.findings })
        left.shift()
      }
      await scene.end()
    } catch (error) {
      if (left.length === 0) throw error
      for (const fault of left) note(fault, from, brokenOffBy(error))
    }
    return trials
  }
  for (const fault of fit) {
    const from = performance.now()
    try {
      note(fault, from, await fault.run(stageOf(fault)))
    } catch (error) {
      note(fault, from, brokenOffBy(error))
      await Promise.allSettled(scenes.map(scene => scene.close()))
    }
    scenes.length = 0
  }
  return trials
}

const brokenOffBy = (error: unknown) => ({ brokenOff: (error as Error).message.split('\n')[0] ?? '' })

/** Why a fault cannot be tried here. */
function lackOf({ worksAnywhere, needs = [] }: Fault, isOwn: boolean): string | undefined {
  if (!isOwn && !worksAnywhere) return 'needs a system of its own'
  const lacking = needs.find(need => !isThere(need))
  return lacking && `needs ${lacking}`
}

function isThere(need: Need): boolean {
  if (need === 'root') return process.getuid?.() === 0
  const [kind, name = ''] = need.split(' ')
  if (kind === 'command') return spawnSync('which', [name]).status === 0
  return existsSync(`/usr/share/doc/${name}`)
}
