import type { Figure } from './fault.ts'
import type { Watch } from './watch.ts'

/** How often it looked whether a task has its image: goal G5. */
export function looksOf(watch: Watch): Figure {
  const count = watch.probes()
  return { says: `${count} looks at the image of a task that a worker could see`, goal: 'G5', count }
}
