import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from './errors.ts'

/** How long a held look at the feed lasts, in seconds. */
const WAIT_SECONDS = 30
/** Pause after the feed could not be read, and between two looks of a reader who has none, in ms. */
const RETRY_MS = 500
const LOOK_MS = 1_000
/** A revision that no feed has reached: it is answered at once, with the present one and nothing else. */
const FUTURE = Number.MAX_SAFE_INTEGER

/** Asks for what changed after the revision `since`; the answer's revision is where to read on. */
export type AskChanges<P> = (
  query: { since: number; wait: number },
  options: { signal: AbortSignal },
) => Promise<P>

/** What a feed gives. Without a page there is a gap: anything may have changed, and the reader looks for itself. */
export interface Turn<P> {
  readonly page: P | undefined
  /** Where the feed stands; undefined where there is no feed. */
  readonly revision: number | undefined
}

/**
 * Every change from now on, until `signal` aborts; never throws. After an error it goes on from the last revision, so
 * that nothing is missed. A gap is told of at the start, once the feed itself was started anew (its revisions went back),
 * and each second while whoever is asked has no feed (a service of the original system).
 */
export async function* followFeed<P extends { readonly revision: number }>(
  ask: AskChanges<P>,
  signal: AbortSignal,
): AsyncGenerator<Turn<P>> {
  let since: number | undefined
  // The first ask after a pause waits for nothing, so that the reader hears at once that all is well again.
  let wait = 0
  while (!signal.aborted) {
    try {
      const page = await ask({ since: since ?? FUTURE, wait }, { signal })
      const isGap = since === undefined || page.revision < since
      since = page.revision
      wait = WAIT_SECONDS
      yield { page: isGap ? undefined : page, revision: since }
    } catch (error) {
      wait = 0
      const hasNoFeed = hasCode(error, 'not-found', 'method-not-allowed')
      if (hasNoFeed) {
        since = undefined
        yield { page: undefined, revision: undefined }
      }
      await delay(hasNoFeed ? LOOK_MS : RETRY_MS, undefined, { signal }).catch(() => {})
    }
  }
}
