import type { CpuTime } from '../../../bench/cpu-time.ts'
import type { Basis, Cpu } from '../../../bench/simulation/costs.ts'

/** What tests of the simulation take for measured. */
export const time = (all: number, loop: number, pool = 0): CpuTime => ({ all, loop, pool })
export const icon: Cpu = {
  client: time(0.3, 0.26),
  frontend: time(1.2, 1.1),
  storage: time(1.7, 1.4, 0.2),
  database: time(1, 0.9),
  worker: time(0.9, 0.8, 0.02),
}
export const photograph: Cpu = {
  client: time(1.5, 1.3),
  frontend: time(4.8, 4.5),
  storage: time(6, 3.5, 2.3),
  database: time(1.1, 1),
  worker: time(24, 2, 21),
}
export const alone: Basis = { transactionMs: 0.2, shared: { operations: 1, images: 1 } }
export const some: Basis = { ...alone, shared: { operations: 1.6, images: 2.5 } }

/** Whether it is as expected, but for that share of it. */
export const isAbout = (found: number, expected: number, share: number) =>
  Math.abs(found - expected) <= share * Math.abs(expected)
