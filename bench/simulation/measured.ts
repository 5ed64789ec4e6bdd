import { type CpuTime, combineTimes } from '../cpu-time.ts'
import { type Basis, type Costs, type Cpu, costsOfIcon, costsOfPhotograph, parts } from './costs.ts'
import type { Counts } from './system.ts'

export type Kind = 'icons' | 'photographs'

/** What a bench has found: so many of each service on one machine, and what they did. */
export interface Measured {
  readonly says: string
  /** Icons unless said. */
  readonly kind?: Kind
  /** How many of each ran; 1 unless said. */
  readonly counts?: Partial<Counts>
  /** One uploaded, icons, who asked for each whether it is ready and waited for the answer; eight as fast as they could unless said. */
  readonly isAlone?: boolean
  /** Pictures a second. */
  readonly rate: number
  /** CPU time a picture, by process: `worker` and `worker-2` are two workers, `client` is who uploads. */
  readonly cpu: Readonly<Record<string, CpuTime>>
}

export const kindOf = ({ kind = 'icons' }: Measured): Kind => kind
export const countsOf = ({ counts }: Measured): Counts => ({
  frontend: 1,
  storage: 1,
  worker: 1,
  ...counts,
})

/** What all processes of a part took together. */
export function cpuOf({ cpu }: Measured): Cpu {
  const of = (part: string) => {
    const own = Object.entries(cpu).filter(([name]) => name.replace(/-[0-9]+$/, '') === part)
    return combineTimes(
      own.map(([, time]) => time),
      ms => ms.reduce((sum, one) => sum + one, 0),
    )
  }
  return Object.fromEntries(parts.map(part => [part, of(part)])) as Cpu
}

/** What the steps cost by this measurement; the requests of a photograph cost what those of an icon do. */
export function costsBy(measured: Measured, icons: Measured, basis: Basis): Costs {
  return kindOf(measured) === 'icons'
    ? costsOfIcon(cpuOf(measured), basis, measured.isAlone ? 1 : 0)
    : costsOfPhotograph(cpuOf(measured), cpuOf(icons), basis)
}
