import { setTimeout as delay } from 'node:timers/promises'
import { hasCode } from '../kit/errors.ts'
import { followFeed } from '../kit/feed.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'
import { createMailbox, type Mailbox, type News } from './mailbox.ts'
import { askStory, storyOf, type TaskStory } from './story.ts'

/** Longest that a first reader waits for the feed to begin, in ms; the answer to the question itself does not need it. */
const BEGIN_MS = 1_000

export interface Feed {
  /**
   * What there is to tell of a task, at once and whenever it is something else, up to its end or the signal's abort. The
   * first step throws `not-found` when there is no such task; one that is forgotten later ends without a word.
   */
  follow(id: number, signal: AbortSignal): AsyncGenerator<News>
}

/** Least time between two looks for tasks that are gone, in ms: thousands may go at once. */
const LOOK_MS = 1_000

/** The master's feed of changes, read once for all readers of this process, and only while there are any. */
export function createFeed({ master }: { readonly master: Link<typeof masterContract> }): Feed {
  const readers = new Map<number, Set<Mailbox>>()
  /** Tasks of which nothing could be found out yet. */
  const unknown = new Set<number>()
  let reading: { readonly stop: AbortController; readonly begun: Promise<unknown> } | undefined
  let revision: number | undefined

  const tell = (id: number, story: TaskStory) => {
    const told = readers.get(id)
    if (told === undefined) return
    if (story.is === 'unknown for now') unknown.add(id)
    else unknown.delete(id)
    for (const mailbox of told) mailbox.put({ story, revision })
  }

  const lookAgain = async (id: number) => {
    try {
      tell(id, await askStory(master, id))
    } catch (error) {
      if (hasCode(error, 'not-found')) for (const mailbox of readers.get(id) ?? []) mailbox.close()
    }
  }

  const closeIfGone = async (id: number) => {
    const error = await askStory(master, id).catch((thrown: unknown) => thrown)
    if (hasCode(error, 'not-found')) for (const mailbox of readers.get(id) ?? []) mailbox.close()
  }

  const read = async (signal: AbortSignal, begin: () => void) => {
    let isAsked = false
    let isLooking = false
    const lookForGone = async () => {
      isAsked = true
      if (isLooking) return
      isLooking = true
      while (isAsked && !signal.aborted) {
        isAsked = false
        await Promise.all([...readers.keys()].map(closeIfGone))
        await delay(LOOK_MS, undefined, { signal }).catch(() => {})
      }
      isLooking = false
    }
    for await (const turn of followFeed(master.ask.changes, signal)) {
      revision = turn.revision
      begin()
      for (const task of turn.page?.tasks ?? []) tell(task.id, storyOf(task))
      // What is removed makes a page that tells of no task, as a wait does in which nothing happened.
      if (turn.page?.tasks.length === 0) void lookForGone()
      // Before the feed is read on, so that what a look saw is not told after what came later.
      await Promise.all([...(turn.page === undefined ? readers.keys() : unknown)].map(lookAgain))
    }
  }

  const startReading = () => {
    const stop = new AbortController()
    const { signal } = stop
    const late = delay(BEGIN_MS, undefined, { signal }).catch(() => {})
    const begun = Promise.race([new Promise<void>(begin => void read(signal, begin)), late])
    return { stop, begun }
  }

  const enter = (id: number, mailbox: Mailbox) => {
    readers.set(id, (readers.get(id) ?? new Set()).add(mailbox))
    reading ??= startReading()
    return reading.begun
  }

  const leave = (id: number, mailbox: Mailbox) => {
    mailbox.close()
    const others = readers.get(id)
    if (!others?.delete(mailbox) || others.size > 0) return
    readers.delete(id)
    unknown.delete(id)
    if (readers.size > 0) return
    reading?.stop.abort()
    reading = undefined
    revision = undefined
  }

  return {
    async *follow(id, signal) {
      if (signal.aborted) return
      const mailbox = createMailbox()
      // Not only at the end of this generator: it may never be asked for its next step again.
      const goAway = () => leave(id, mailbox)
      signal.addEventListener('abort', goAway, { once: true })
      try {
        // First in the feed, then looked at: what changes in between is told.
        await enter(id, mailbox)
        tell(id, await askStory(master, id))
        yield* mailbox.read()
      } finally {
        signal.removeEventListener('abort', goAway)
        goAway()
      }
    },
  }
}
