import { percentile } from '../faults/percentile.ts'
import { cpuOf, ownCpuMs } from './cpu.ts'
import { median } from './spread.ts'

/** So many clients who ask one server for so long, each for the next as soon as it was answered. */
export interface BurstOptions {
  readonly clients: number
  /** How long new questions are asked, in ms. */
  readonly forMs: number
  /** The server. */
  readonly pid: number
}

/** What became of it. */
export interface Burst {
  /** Questions answered a second. */
  readonly rate: number
  /** How long each answer took, in ms. */
  readonly waitedMs: readonly number[]
  /** CPU time a question of the server, its children included, in ms. */
  readonly cpuMs: number
  /** CPU time of the client against the time that went by: from about 1 on the client may be what limits the rate. */
  readonly clientShare: number
}

/** Asks what this number stands for; resolves once it is answered. */
export type Send = (number: number) => Promise<unknown>

/** Numbers from 0 on, each taken by the next of these clients that is free, as long as `isMore` says so. */
export async function runLanes(
  clients: number,
  isMore: (number: number) => boolean,
  send: Send,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (isMore(next)) await send(next++)
  }
  await Promise.all(Array.from({ length: clients }, lane))
}

export async function runBurst({ clients, forMs, pid }: BurstOptions, send: Send): Promise<Burst> {
  const waitedMs: number[] = []
  const serverBefore = cpuOf(pid)
  const clientBefore = ownCpuMs()
  const began = performance.now()
  await runLanes(
    clients,
    () => performance.now() - began < forMs,
    async number => {
      const asked = performance.now()
      await send(number)
      waitedMs.push(performance.now() - asked)
    },
  )
  const tookMs = performance.now() - began
  return {
    rate: (waitedMs.length / tookMs) * 1_000,
    waitedMs,
    cpuMs: (cpuOf(pid) - serverBefore) / waitedMs.length,
    clientShare: (ownCpuMs() - clientBefore) / tookMs,
  }
}

/** The median of a figure of several. */
export function medianOf<T>(all: readonly T[], figure: (one: T) => number): number {
  return median(all.map(figure))
}

/** Two percentiles of times in ms, as they stand in a table. */
export function describeWaits(waitedMs: readonly number[]): string {
  return [0.5, 0.99].map(share => percentile(waitedMs, share).toFixed(2)).join(', ')
}
