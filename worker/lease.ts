import { setTimeout as delay } from 'node:timers/promises'
import type { Grant } from '../database/contract.ts'
import { done } from '../kit/contract.ts'
import { hasCode } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'

/** Pause after a word that could not be brought to a master, in ms. */
const SAY_AGAIN_MS = 250
/** How long a task without a token is ours: what the original gives, in ms. */
const PLAIN_LEASE_MS = 120_000

export interface LeaseOptions {
  readonly grant: Grant
  readonly master: Link<typeof masterContract>
  /** Who wants the next task together with the end of this one; nobody when it is `undefined`. */
  readonly asksNext?: (() => string | undefined) | undefined
  readonly log: Logger
}

/** A worker's hold on one task: renewed until it is closed, and the one way to say how the task ended. */
export interface Lease {
  /** Aborts when somebody else holds the task by now, or it was handed back: what is done for it is done in vain. */
  readonly signal: AbortSignal
  /** Says that the result is stored. Gives false when that came too late. */
  finish(): Promise<boolean>
  /** Says why it failed; `retry` when another try may help. */
  fail(reason: string, retry: boolean): Promise<void>
  /** Hands it back, uncounted. */
  release(): Promise<void>
  /** Ends the renewing. */
  close(): void
  /** The task that was granted together with its end. */
  next(): Grant | undefined
}

/**
 * Behind an original master a grant has no token: it can neither be renewed, nor handed back, nor failed; the original
 * takes it back by itself after 120 s.
 */
export function openLease({ grant, master, asksNext = () => undefined, log }: LeaseOptions): Lease {
  const { id, token } = grant
  const leaseMs = grant.leaseMs ?? PLAIN_LEASE_MS
  const ended = new AbortController()
  let heldUntil = performance.now() + leaseMs
  let renewing: NodeJS.Timeout | undefined
  let next: Grant | undefined

  const renew = async (name: string) => {
    const before = performance.now()
    try {
      await master.ask.renewTask({ id, token: name })
      heldUntil = before + leaseMs
    } catch (error) {
      if (!hasCode(error, 'conflict', 'not-found')) return
      log.warn({ id, attempt: grant.attempt }, 'the lease was lost')
      ended.abort()
    }
  }
  if (token !== undefined) {
    renewing = setInterval(() => void renew(token), leaseMs / 3)
  }

  /** Brings a word to a master, again and again until the lease is over. Gives false when nobody wants it any more. */
  const say = async (bring: () => Promise<unknown>): Promise<boolean> => {
    for (;;) {
      try {
        await bring()
        return true
      } catch (error) {
        if (hasCode(error, 'conflict', 'not-found')) return false
        if (performance.now() > heldUntil) throw error
        await delay(SAY_AGAIN_MS)
      }
    }
  }
  const handBack = async (name: string) => {
    await master.ask.releaseTask({ id, token: name })
    failpoint('worker.task.released')
  }
  const close = () => clearInterval(renewing)

  return {
    signal: ended.signal,
    close,
    next: () => next,
    finish: () =>
      say(async () => {
        // When it has to be said again after one came, that one is not to be forgotten for another.
        const wanted = next === undefined ? asksNext() : undefined
        const said = await master.ask.registerTaskFinished({ id, token, next: wanted })
        if (said !== done) next = said
        failpoint('worker.task.finished')
      }),
    async fail(reason, retry) {
      if (token === undefined) return
      await say(async () => {
        await master.ask.failTask({ id, token, retry: retry ? 1 : 0 }, { body: reason })
        failpoint('worker.task.failed')
      })
    },
    async release() {
      close()
      if (!ended.signal.aborted && token !== undefined)
        await say(() => handBack(token)).catch(() => {
          log.warn({ id }, 'a task could not be handed back; its lease ends by itself')
        })
      ended.abort()
    },
  }
}
