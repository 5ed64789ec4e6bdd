import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '../kit/errors.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract, Terms } from '../master/contract.ts'

/** How long an answer counts as fresh, in ms. */
const FRESH_MS = 10_000
/** Longest that a visitor waits for the first one, in ms. */
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

export function createTerms(master: Link<typeof masterContract>): KnownTerms {
  let known: Terms | undefined
  let freshUntil = Number.NEGATIVE_INFINITY
  let asking: Promise<void> | undefined

  const ask = async () => {
    try {
      known = await master.ask.terms({})
      freshUntil = performance.now() + FRESH_MS
    } catch (error) {
      if (!hasCode(error, 'not-found', 'method-not-allowed', 'bad-answer')) return
      known = undefined
      freshUntil = performance.now() + FRESH_MS
    } finally {
      asking = undefined
    }
  }
  const now = () => {
    if (performance.now() > freshUntil) asking ??= ask()
    return known
  }

  return {
    now,
    async soon() {
      if (now() === undefined && asking !== undefined) await Promise.race([asking, delay(WAIT_MS)])
      return known
    },
  }
}
