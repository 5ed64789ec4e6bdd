import { setTimeout as delay } from 'node:timers/promises'
import { ServiceError } from '../kit/errors.ts'
import { followFeed } from '../kit/feed.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'
import { createMailbox, type Mailbox, type News } from './mailbox.ts'
import { askStories, countGone, storyOf, type TaskStory, tellOf } from './story.ts'
import { hasEnded } from './told.ts'

/** Longest that a first reader waits for the feed to begin, in ms; the answer to the question itself does not need it. */
const BEGIN_MS = 1_000

export interface Feed {
  /**
   * What there is to tell of these tasks, of each at once and whenever it is something else, up to the last one's end or the
   * signal's abort. One that there is not, or not any more, is `gone`; the first step throws `not-found` if there is none at all,
   * and what `noteGone` throws, which hears how many there are not.
   */
  follow(
    ids: readonly number[],
    signal: AbortSignal,
    noteGone: (gone: number) => Promise<void>,
  ): AsyncGenerator<News>
  /**
   * Every change of every task from now on, up to the signal's abort. It ends early for a reader who is too slow, and when changes
   * may have been missed; `unavailable` while the feed cannot be read, as behind an original master or database.
   */
  followAll(signal: AbortSignal): Promise<AsyncGenerator<News>>
}

/** Least time between two looks for tasks that are gone, in ms: thousands may go at once. */
const LOOK_MS = 1_000
/** Least time between two pages of the feed, in ms: what happens meanwhile to one task is told of once, as it stands then. */
const PAGE_MS = 100
/** Least time between two words about the queue to those who are still in it, in ms. */
const QUEUE_MS = 1_000

/** The master's feed of changes, read once for all readers of this process, and only while there are any. */
export function createFeed({ master }: { readonly master: Link<typeof masterContract> }): Feed {
  const readers = new Map<number, Set<Mailbox>>()
  const readersOfAll = new Set<Mailbox>()
  /** Tasks of which nothing could be found out yet. */
  const unknown = new Set<number>()
  const queued = new Map<number, TaskStory>()
  let reading: { readonly stop: AbortController; readonly begun: Promise<unknown> } | undefined
  let revision: number | undefined
  /** The place of the task that is given out next. */
  let next: number | undefined

  const note = (story: TaskStory) => {
    const { id } = story
    if (story.is === 'unknown for now') unknown.add(id)
    else unknown.delete(id)
    if (story.is === 'waiting' && story.place !== undefined) queued.set(id, story)
    else queued.delete(id)
  }
  const tell = (story: TaskStory) => {
    const told = readers.get(story.id)
    if (told === undefined) return
    note(story)
    const news = { told: tellOf(story, next), revision }
    for (const mailbox of told) mailbox.put(news)
    if (hasEnded(news.told)) readers.delete(story.id)
  }

  const look = async (ids: readonly number[]): Promise<TaskStory[]> => {
    const nothing = () => ids.map(id => ({ id, is: 'unknown for now' }) as const)
    return askStories(master, ids).catch(nothing)
  }
  const lookAgain = async (ids: Iterable<number>) => (await look([...ids])).forEach(tell)
  const lookForGone = async () => {
    for (const story of await look([...readers.keys()])) if (story.is === 'gone') tell(story)
  }
  /** Tells a new reader of what the feed has not told of by now: that is newer than the answer to a look. */
  const lookFor = async (
    mailbox: Mailbox,
    ids: readonly number[],
    noteGone: (gone: number) => Promise<void>,
  ) => {
    const stories = await askStories(master, ids)
    const gone = countGone(stories)
    const hasNone = gone === stories.length
    // Of none at all one is counted as `not-found`.
    await noteGone(hasNone ? gone - 1 : gone)
    if (hasNone)
      throw new ServiceError(
        'not-found',
        ids.length === 1 ? 'No such task.' : 'None of these tasks is there.',
      )
    for (const story of stories) {
      if (mailbox.hasHeardOf(story.id) || !readers.has(story.id)) continue
      note(story)
      mailbox.put({ told: tellOf(story, next), revision })
    }
  }

  const read = async (signal: AbortSignal, begin: () => void) => {
    const seldom = (ms: number, act: () => Promise<void>) => {
      let isAsked = false
      let isActing = false
      return async () => {
        isAsked = true
        if (isActing) return
        isActing = true
        while (isAsked && !signal.aborted) {
          isAsked = false
          await act()
          await delay(ms, undefined, { signal }).catch(() => {})
        }
        isActing = false
      }
    }
    const lookForGoneSeldom = seldom(LOOK_MS, lookForGone)
    const tellOfQueueSeldom = seldom(QUEUE_MS, async () => queued.forEach(tell))
    let pageAt = Number.NEGATIVE_INFINITY
    const ask: typeof master.ask.changes = async (query, options) => {
      const restMs = pageAt + PAGE_MS - performance.now()
      if (restMs > 0) await delay(restMs, undefined, options)
      const page = await master.ask.changes(query, options)
      pageAt = performance.now()
      if (next !== page.next) void tellOfQueueSeldom()
      next = page.next
      return page
    }
    let hasBegun = false
    for await (const turn of followFeed(ask, signal)) {
      revision = turn.revision
      if (hasBegun && turn.page === undefined) for (const mailbox of readersOfAll) mailbox.close()
      hasBegun = true
      begin()
      for (const story of turn.page?.tasks.map(storyOf) ?? []) {
        for (const mailbox of readersOfAll) mailbox.put({ told: tellOf(story, next), revision })
        tell(story)
      }
      // What is removed makes a page that tells of no task, as a wait does in which nothing happened.
      if (turn.page?.tasks.length === 0) void lookForGoneSeldom()
      // Before the feed is read on, so that what a look saw is not told after what came later.
      await lookAgain(turn.page === undefined ? readers.keys() : unknown)
    }
  }

  const startReading = () => {
    const stop = new AbortController()
    const { signal } = stop
    const late = delay(BEGIN_MS, undefined, { signal }).catch(() => {})
    const begun = Promise.race([new Promise<void>(begin => void read(signal, begin)), late])
    return { stop, begun }
  }

  const enter = (ids: readonly number[], mailbox: Mailbox) => {
    for (const id of ids) readers.set(id, (readers.get(id) ?? new Set()).add(mailbox))
    reading ??= startReading()
    return reading.begun
  }

  const leave = (ids: readonly number[], mailbox: Mailbox) => {
    mailbox.close()
    for (const id of ids) {
      const others = readers.get(id)
      if (!others?.delete(mailbox) || others.size > 0) continue
      readers.delete(id)
      unknown.delete(id)
      queued.delete(id)
    }
    stopUnlessRead()
  }

  const stopUnlessRead = () => {
    if (readers.size > 0 || readersOfAll.size > 0) return
    reading?.stop.abort()
    reading = undefined
    revision = undefined
    next = undefined
  }

  async function* readToEnd(mailbox: Mailbox, goAway: () => void): AsyncGenerator<News> {
    try {
      yield* mailbox.read()
    } finally {
      goAway()
    }
  }

  return {
    async followAll(signal) {
      const mailbox = createMailbox('all')
      const goAway = () => {
        signal.removeEventListener('abort', goAway)
        mailbox.close()
        readersOfAll.delete(mailbox)
        stopUnlessRead()
      }
      signal.addEventListener('abort', goAway, { once: true })
      readersOfAll.add(mailbox)
      reading ??= startReading()
      await reading.begun
      if (signal.aborted || revision === undefined) {
        goAway()
        throw new ServiceError('unavailable', 'The feed of changes cannot be read.')
      }
      return readToEnd(mailbox, goAway)
    },
    async *follow(ids, signal, noteGone) {
      if (signal.aborted) return
      const mailbox = createMailbox(ids)
      // Not only at the end of this generator: it may never be asked for its next step again.
      const goAway = () => leave(ids, mailbox)
      signal.addEventListener('abort', goAway, { once: true })
      try {
        // First in the feed, then looked at: what changes in between is told.
        await enter(ids, mailbox)
        await lookFor(mailbox, ids, noteGone)
        yield* mailbox.read()
      } finally {
        signal.removeEventListener('abort', goAway)
        goAway()
      }
    },
  }
}
