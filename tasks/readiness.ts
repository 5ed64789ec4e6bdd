import { setTimeout as delay } from 'node:timers/promises'
import { type databaseContract, finished } from '../database/contract.ts'
import type { Link } from '../kit/mesh.ts'
import { refuseFailed } from './refusal.ts'

/** Pause between two asks of an original database, which cannot hold one, in ms. */
export const ASK_AGAIN_MS = 250

type Database = Link<typeof databaseContract>

/** Whether there is a result of this task. `not-found` when there is no such task, `unprocessable` with its reason when it failed. */
export async function isReady(database: Database, id: number): Promise<boolean> {
  return refuseFailed(await database.ask.getById({ id })).state === finished
}

/** The same as soon as it has ended, or after so many seconds; once `signal` aborts it is as good as not ready. */
export async function waitUntilReady(
  database: Database,
  id: number,
  waitSeconds: number,
  signal: AbortSignal,
): Promise<boolean> {
  const giveUpAt = performance.now() + waitSeconds * 1_000
  for (let left = waitSeconds; left > 0 && !signal.aborted; ) {
    const asking = database.ask.getById({ id, wait: left, ended: 1 }, { signal })
    // About to end: who still waits is told how it stands, and comes again.
    const task = await asking.catch(error => {
      if (signal.aborted) return undefined
      throw error
    })
    if (task !== undefined && refuseFailed(task).state === finished) return true
    left = Math.round((giveUpAt - performance.now()) / 1_000)
    // Answered early: an original database holds no ask, and one of ours that is about to end lets go of all.
    if (left > 0) await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {})
  }
  return false
}
