import { setTimeout as delay } from 'node:timers/promises'
import type { Grant } from '../database/contract.ts'
import { hasCode } from '../kit/errors.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'
import { createGate } from './gate.ts'
import { type Lease, openLease } from './lease.ts'

/** How long a master holds an ask for a task, in seconds. */
const WAIT_SECONDS = 30
/** Pause after an ask that failed, or that an original master answered with nothing, in ms: doubled up to the second. */
const PAUSE_MS = 250
const LONGEST_PAUSE_MS = 2_000
/** Less than a service's own end takes: what is not done by then can still be handed back. */
const DRAIN_MS = 9_000

export interface PoolOptions {
  readonly master: Link<typeof masterContract>
  readonly instance: string
  /** How many tasks run at once. */
  readonly threads: number
  /** Does one task; never rejects. */
  readonly run: (grant: Grant, lease: Lease) => Promise<void>
  /** How long tasks under way may take to end once the pool drains, in ms; 9000 unless said. */
  readonly drainMs?: number
  readonly log: Logger
}

export interface Pool {
  /** How many tasks are being run now. */
  running(): number
  /** How many have ended since the start, however they did. */
  ended(): number
  /** Asks for no more, lets what runs end, and hands the rest back, uncounted. */
  drain(): Promise<void>
}

/**
 * Loops that ask for a task, run it, and ask again: as many as tasks may run at once. When one runs alone the others' asks
 * are not given up, since the answer may be on its way: what comes of them is handed back.
 */
export function openPool(options: PoolOptions): Pool {
  const { master, instance, threads, run, drainMs = DRAIN_MS, log } = options
  const gate = createGate()
  const leases = new Set<Lease>()
  let ended = 0
  let isStopping = false

  const work = async (grant: Grant) => {
    const lease = openLease({ grant, master, log })
    const leave = await gate.enter(grant.alone ?? false)
    if (leave === undefined) return lease.release()
    leases.add(lease)
    try {
      await run(grant, lease)
    } finally {
      ended += 1
      leases.delete(lease)
      lease.close()
      leave()
    }
  }

  const signal = gate.closing
  const loop = async () => {
    let pauseMs = PAUSE_MS
    while (!isStopping) {
      await gate.whenOpen()
      try {
        const grant = await master.ask.getNewTask({ worker: instance, wait: WAIT_SECONDS }, { signal })
        if (grant !== undefined) await work(grant)
        pauseMs = PAUSE_MS
      } catch (error) {
        if (signal.aborted) continue
        if (!hasCode(error, 'bad-answer', 'not-found', 'unavailable'))
          log.warn({ err: error }, 'asking for a task failed')
        await delay(pauseMs, undefined, { signal }).catch(() => {})
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)
      }
    }
  }
  const loops = Array.from({ length: threads }, loop)

  return {
    running: () => leases.size,
    ended: () => ended,
    async drain() {
      isStopping = true
      gate.close()
      const late = delay(drainMs, 'late', { ref: false })
      if ((await Promise.race([Promise.all(loops), late])) !== 'late') return
      await Promise.all([...leases].map(lease => lease.release()))
    },
  }
}
