import { setTimeout as delay } from 'node:timers/promises'
import type { databaseContract, Grant } from '../database/contract.ts'
import { done } from '../kit/contract.ts'
import { hasCode } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import { openTimeline, type Timeline } from './timeline.ts'

/** Pause after a word that could not be brought to the database, in ms. */
const SAY_AGAIN_MS = 250
/** For so many leases more a word is brought that could not be brought while the lease ran. */
const LATE_LEASES = 4
/** How long a task without a token is ours: what the original gives, in ms. */
const PLAIN_LEASE_MS = 120_000
/** How long the database holds its answer to who asks for a task, at first or with the end of another, in seconds. */
export const WAIT_SECONDS = 30
/** A word that the database has had for so long has been heard, or it got stuck on its way; in ms. */
const HEARD_MS = 1_000

export interface LeaseOptions {
  readonly grant: Grant
  readonly database: Link<typeof databaseContract>
  /** Who wants the next task together with the end of this one; nobody when it is `undefined`. */
  readonly asksNext?: (() => string | undefined) | undefined
  readonly log: Logger
}

/** A worker's hold on one task: renewed until it is closed, and the one way to say how the task ended. */
export interface Lease {
  /** Where its holder is; told when the task ends. */
  readonly timeline: Timeline
  /** Aborts when somebody else holds the task by now, or it was handed back: what is done for it is done in vain. */
  readonly signal: AbortSignal
  /**
   * Says that the result is stored. Resolves once the database has answered, which holds its answer until there is a next task, or for
   * 30 s; with false when it came too late, or never got through. Never rejects.
   */
  finish(): Promise<boolean>
  /** Says why it failed; `retry` when another try may help. */
  fail(reason: string, retry: boolean): Promise<void>
  /** Hands it back, uncounted, to be given out again after `pauseMs`, at once unless said. */
  release(pauseMs?: number): Promise<void>
  /** The task that was granted together with its end, once that is answered; at once when it is not finished. Never rejects. */
  next(): Promise<Grant | undefined>
  /** Ends the renewing. */
  close(): void
}

/**
 * Of an original database a grant has no token: it can neither be renewed, nor handed back, nor failed; the original
 * takes it back by itself after 120 s.
 */
export function openLease(options: LeaseOptions): Lease {
  const { grant, database, asksNext = () => undefined, log } = options
  const { id, token } = grant
  const leaseMs = grant.leaseMs ?? PLAIN_LEASE_MS
  const ended = new AbortController()
  const timeline = openTimeline()
  let heldUntil = performance.now() + leaseMs
  let renewing: NodeJS.Timeout | undefined
  let next: Grant | undefined
  let finishing: Promise<boolean> | undefined
  /** The word that it is finished, until it is answered. Renewed meanwhile: once that is refused it was heard. */
  let word: { readonly since: number; readonly again: AbortController } | undefined
  let isHeard = false
  let isLate = false

  const renew = async (name: string) => {
    const before = performance.now()
    try {
      await database.ask.renewTask({ id, token: name })
      heldUntil = before + leaseMs
      if (word !== undefined && before - word.since > HEARD_MS) word.again.abort()
    } catch (error) {
      if (!hasCode(error, 'conflict', 'not-found')) return
      if (word !== undefined) {
        isHeard = true
        return close()
      }
      log.warn({ id, attempt: grant.attempt }, 'the lease was lost')
      ended.abort()
    }
  }
  if (token !== undefined) {
    renewing = setInterval(() => void renew(token), leaseMs / 3)
  }

  /** Brings a word to the database, again and again until the lease is over. Gives false when nobody wants it any more. */
  const say = async (bring: () => Promise<unknown>): Promise<boolean> => {
    for (;;) {
      try {
        await bring()
        return true
      } catch (error) {
        if (hasCode(error, 'conflict', 'not-found')) return false
        if (isHeard) return true
        if (performance.now() > heldUntil) {
          void sayLate(bring)
          throw error
        }
        await delay(SAY_AGAIN_MS)
      }
    }
  }
  /**
   * Brings it once more, behind the end of the lease, with nobody waiting for it: who is heard of again takes back the loss that was
   * counted meanwhile (docs/decisions/020). Not without a token: by then an original may have another task under that id.
   */
  const sayLate = async (bring: () => Promise<unknown>): Promise<void> => {
    if (token === undefined) return
    isLate = true
    const giveUpAt = performance.now() + LATE_LEASES * leaseMs
    while (performance.now() < giveUpAt) {
      await delay(leaseMs / 3, undefined, { ref: false })
      try {
        return void (await bring())
      } catch (error) {
        if (hasCode(error, 'conflict', 'not-found')) return
      }
    }
  }
  const handBack = async (name: string, pauseMs: number) => {
    await database.ask.releaseTask({ id, token: name, pause: pauseMs })
    failpoint('worker.task.released')
  }
  const close = () => clearInterval(renewing)

  const sayFinished = async (): Promise<boolean> => {
    const steps = timeline.say()
    const bring = async () => {
      // When it has to be said again after one came, that one is not to be forgotten for another.
      const wanted = next === undefined && !isLate ? asksNext() : undefined
      const wait = wanted === undefined ? undefined : WAIT_SECONDS
      const again = new AbortController()
      word = { since: performance.now(), again }
      const said = await database.ask.finishTask(
        { id, token, next: wanted, wait, steps },
        { signal: again.signal },
      )
      word = undefined
      if (said !== done) next = said
      failpoint('worker.task.finished')
    }
    try {
      return await say(bring)
    } catch (error) {
      log.warn({ id, err: error }, 'no word came through')
      return false
    }
  }

  return {
    timeline,
    signal: ended.signal,
    close,
    finish() {
      finishing = sayFinished()
      return finishing
    },
    async next() {
      await finishing
      return next
    },
    async fail(reason, retry) {
      if (token === undefined) return
      const steps = timeline.say()
      await say(async () => {
        await database.ask.failTask({ id, token, retry: retry ? 1 : 0, steps }, { body: reason })
        failpoint('worker.task.failed')
      })
    },
    async release(pauseMs = 0) {
      close()
      if (!ended.signal.aborted && token !== undefined)
        await say(() => handBack(token, Math.round(pauseMs))).catch(() => {
          log.warn({ id }, 'a task could not be handed back; its lease ends by itself')
        })
      ended.abort()
    },
  }
}
