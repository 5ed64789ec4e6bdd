import { type Costs, type CpuMs, costsOfIcon, costsOfPhotograph, parts } from './costs.ts'
import type { Counts } from './system.ts'

export type Kind = 'icons' | 'photographs'

/** What a bench has found: so many of each service on one machine, and what they did. */
export interface Measured {
  readonly says: string
  /** Icons unless said. */
  readonly kind?: Kind
  /** How many of each ran; 1 unless said. */
  readonly counts?: Partial<Counts>
  /** Pictures a second. */
  readonly rate: number
  /** CPU time a picture, in ms, by process: `worker` and `worker-2` are two workers, `client` is who uploads. */
  readonly cpuMs: Readonly<Record<string, number>>
}

export const kindOf = ({ kind = 'icons' }: Measured): Kind => kind
export const countsOf = ({ counts }: Measured): Counts => ({
  frontend: 1,
  storage: 1,
  worker: 1,
  ...counts,
})

/** What all processes of a part took together. */
export function cpuOf({ cpuMs }: Measured): CpuMs {
  const of = (part: string) =>
    Object.entries(cpuMs)
      .filter(([name]) => name.replace(/-[0-9]+$/, '') === part)
      .reduce((sum, [, ms]) => sum + ms, 0)
  return Object.fromEntries(parts.map(part => [part, of(part)])) as CpuMs
}

/** What the steps cost by this measurement; the requests of a photograph cost what those of an icon do. */
export function costsBy(measured: Measured, icons: Measured): Costs {
  return kindOf(measured) === 'icons'
    ? costsOfIcon(cpuOf(measured))
    : costsOfPhotograph(cpuOf(measured), cpuOf(icons))
}
