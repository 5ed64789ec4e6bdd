import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '../kit/errors.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract, Terms } from '../master/contract.ts'

/** How long an answer counts as fresh, in ms. */
const FRESH_MS = 10_000
/** How long nobody is asked again after an ask that failed, in ms. */
const AWAY_MS = 3_000
/** Longest that visitors wait for the first answer, in ms from the ask on: who comes later does not wait for it. */
const WAIT_MS = 300

/**
 * What the master says of how long tasks are kept; `undefined` as long as nobody has said so, and behind an original master,
 * which has no such route. While the master is away what it said last counts.
 */
export interface KnownTerms {
  /** What is known now; what is old is asked for, for those who come later. */
  now(): Terms | undefined
  /** The same, but the first answer is waited for, for a moment. Never rejects. */
  soon(): Promise<Terms | undefined>
}

/** @param clock A clock in ms that never jumps. */
export function createTerms(
  master: Link<typeof masterContract>,
  clock: () => number = () => performance.now(),
): KnownTerms {
  let known: Terms | undefined
  let freshUntil = Number.NEGATIVE_INFINITY
  let isAsking = false
  /** Resolves once the latest ask is answered, has failed, or was waited for long enough. */
  let waited: Promise<void> | undefined

  const ask = async () => {
    isAsking = true
    let freshMs = FRESH_MS
    try {
      known = await master.ask.terms({})
    } catch (error) {
      if (hasCode(error, 'not-found', 'method-not-allowed', 'bad-answer')) known = undefined
      else freshMs = AWAY_MS
    }
    freshUntil = clock() + freshMs
    isAsking = false
  }
  const now = () => {
    if (!isAsking && clock() > freshUntil) waited = Promise.race([ask(), delay(WAIT_MS)])
    return known
  }

  return {
    now,
    async soon() {
      if (now() === undefined) await waited
      return known
    },
  }
}
