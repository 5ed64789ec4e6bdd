import type { Fault } from './fault.ts'
import { killAll, killOne } from './kinds/kills.ts'

/** Every fault there is, in the order of their numbers. */
export const catalogue: readonly Fault[] = [killOne, killAll]
