import { setTimeout as delay } from 'node:timers/promises'
import type { databaseContract, Grant } from '../database/contract.ts'
import { hasCode } from '../kit/errors.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import { createGate } from './gate.ts'
import { type Lease, openLease, WAIT_SECONDS } from './lease.ts'
import type { Step } from './timeline.ts'

/** Pause after an ask that failed, or that an original database answered with nothing, in ms: doubled up to the second. */
const PAUSE_MS = 125
const LONGEST_PAUSE_MS = 500
/** Less than a service's own end takes: what is not done by then can still be handed back. */
const DRAIN_MS = 9_000
/** How long the end of what is asked may take, in ms, and the pause between two words of it. */
const END_ASKS_MS = 1_000
const END_AGAIN_MS = 20

/** Does one task, and says how it ended; never rejects. */
export type Run = (grant: Grant, lease: Lease) => Promise<void>

export interface PoolOptions {
  readonly database: Link<typeof databaseContract>
  readonly instance: string
  /** How many tasks run at once. */
  readonly threads: number
  readonly run: Run
  /** How long tasks under way may take to end once the pool drains, in ms; 9000 unless said. */
  readonly drainMs?: number
  readonly log: Logger
}

export interface Pool {
  /** How many tasks are being run now. */
  running(): number
  /** What they are at: how many of them in each step. */
  steps(): Readonly<Record<Step, number>>
  /** How many have ended since the start, however they did. */
  ended(): number
  /** Asks for no more, hands back what waits to run alone, lets what runs end, and hands back what does not. */
  drain(): Promise<void>
}

/**
 * Loops that ask for a task, run it, and ask again: as many as tasks may run at once. When one runs alone the others' asks
 * are not given up, since the answer may be on its way: what comes of them is handed back.
 */
export function openPool(options: PoolOptions): Pool {
  const { database, instance, threads, run, drainMs = DRAIN_MS, log } = options
  const gate = createGate()
  const { closing: signal } = gate
  const leases = new Set<Lease>()
  /** Words to the database that are answered with a task, or late. */
  let asking = 0
  let ended = 0
  let isStopping = false

  // None that nobody would start: it would have to be handed back.
  const asksNext = () => (gate.isOpen() && !isStopping ? instance : undefined)
  /** Gives the task that was granted together with the end of this one. */
  const work = async (grant: Grant): Promise<Grant | undefined> => {
    const lease = openLease({ grant, database, asksNext, log })
    const leave = await gate.enter(grant.alone ?? false)
    if (leave === undefined) {
      await lease.release()
      return
    }
    leases.add(lease)
    await run(grant, lease)
    ended += 1
    leases.delete(lease)
    leave()
    return nextAfter(lease)
  }
  /** What the database answers to the end of a task. */
  const nextAfter = async (lease: Lease) => {
    asking += 1
    const next = await lease.next()
    asking -= 1
    lease.close()
    return next
  }

  const ask = async () => {
    asking += 1
    try {
      return await database.ask.getNewTask({ worker: instance, wait: WAIT_SECONDS }, { signal })
    } finally {
      asking -= 1
    }
  }
  /** An ask that is given up may have been granted a task already; one that is answered has not, or says so. */
  const endAsks = async () => {
    const giveUp = AbortSignal.timeout(END_ASKS_MS)
    while (asking > 0 && !giveUp.aborted) {
      const isHeard = await database.ask
        .endAsks({ worker: instance }, { signal: giveUp })
        .catch(() => undefined)
      // An original neither knows the word nor holds an ask.
      if (isHeard === undefined) return
      await delay(END_AGAIN_MS)
    }
  }
  const loop = async () => {
    let pauseMs = PAUSE_MS
    while (!isStopping) {
      await gate.whenOpen()
      try {
        for (let grant = await ask(); grant !== undefined; ) grant = await work(grant)
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
    steps: () => countSteps(leases),
    ended: () => ended,
    async drain() {
      isStopping = true
      await endAsks()
      gate.close()
      const late = delay(drainMs, 'late', { ref: false })
      if ((await Promise.race([Promise.all(loops), late])) !== 'late') return
      await Promise.all([...leases].map(lease => lease.release()))
    },
  }
}

function countSteps(leases: Iterable<Lease>): Record<Step, number> {
  const counts = { fetching: 0, swapping: 0, storing: 0 }
  for (const { timeline } of leases) counts[timeline.step] += 1
  return counts
}
