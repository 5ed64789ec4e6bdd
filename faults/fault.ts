import type { Random } from '../test/images/random.ts'
import type { Findings } from './findings.ts'
import type { Scene, SceneOptions } from './scene.ts'

/** What a fault takes that not every machine or user has. */
export type Need = 'root' | `command ${string}` | `package ${string}`

/** A number that was found, for the table. */
export interface Figure {
  /** In words, with its number: `600 kills, 10,431 acknowledged, 0 lost`. */
  readonly says: string
  /** The goal of docs/reliability.md it answers, and whether it is reached. */
  readonly goal?: `G${number}`
  readonly isReached?: boolean
  /** What it adds to a goal that all faults reach together. */
  readonly count?: number
}

export interface Outcome {
  readonly figures: readonly Figure[]
  readonly findings: Findings
}

/** Something that goes wrong, how it is brought about, and what is counted meanwhile. */
export interface Fault {
  readonly name: `T${number}`
  /** In a line, for the table. */
  readonly says: string
  /** How often it is brought about in the long run, and in the short one; 0: not part of the short one. */
  readonly rounds: { readonly full: number; readonly short: number }
  readonly needs?: readonly Need[]
  /** True when it can be brought about in a system that start-all.sh runs, and not only in one of its own. */
  readonly worksAnywhere?: boolean
  /** Brings it about `rounds` times under load, heals, and checks. Rejects only when it could not be tried at all. */
  run(stage: Stage): Promise<Outcome>
}

/** A fault that only sends something to a system that runs: in the short run, all of these share one. */
export interface InputFault extends Fault {
  /** Sends it `rounds` times. What should not be is noted in the findings of the scene. */
  send(scene: Scene, stage: Stage): Promise<readonly Figure[]>
}

/** What a fault is given to work with. */
export interface Stage {
  readonly rounds: number
  /** True for the long run. */
  readonly isFull: boolean
  readonly random: Random
  readonly seed: number
  /**
   * Opens a system, its load and all that watches it. With `--at` it is the one that runs, as it is: `options.system` says
   * nothing then.
   */
  open(options?: SceneOptions): Promise<Scene>
  /** A line for whoever waits. */
  say(line: string): void
}
