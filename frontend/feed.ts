import { setTimeout as delay } from 'node:timers/promises'
import type { Changes } from '../database/contract.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { followFeed } from '../kit/feed.ts'
import type { Link } from '../kit/mesh.ts'
import type { masterContract } from '../master/contract.ts'
import { createMailbox, type Mailbox, type News } from './mailbox.ts'
import { seldom } from './seldom.ts'
import { askStories, countGone, storyOf, type TaskStory, tellOf } from './story.ts'
import { hasEnded } from './told.ts'

/** Longest that a first reader waits for the feed to begin, in ms; the answer to the question itself does not need it. */
const BEGIN_MS = 1_000

export interface Reader {
  readonly signal: AbortSignal
  /** The revision of the last news that it has been told; undefined for one who comes for the first time. */
  readonly since?: number | undefined
}

export interface ReaderOfSome extends Reader {
  readonly ids: readonly number[]
  /** Hears how many of them there are not. */
  readonly noteGone: (gone: number) => Promise<void>
}

export interface Feed {
  /**
   * What there is to tell of these tasks, of each at once and whenever it is something else, up to the last one's end or the
   * signal's abort; to one who has been told before, at once only what it has not been told. One that there is not, or not any
   * more, is `gone`; `not-found` if there is none at all, and what `noteGone` throws.
   */
  follow(reader: ReaderOfSome): Promise<AsyncGenerator<News>>
  /**
   * Every change of every task from now on, or since what the reader has been told, up to the signal's abort. It ends early for a
   * reader who is too slow, and when changes may have been missed; `unavailable` while the feed cannot be read, as behind an
   * original master or database.
   */
  followAll(reader: Reader): Promise<AsyncGenerator<News>>
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
  /** Whether readers looked how things stand, and whether there may be changes up to `revision` since, of which they were not told. */
  let hasLooked = false
  let isBehind = false
  /** The place of the task that is given out next. */
  let next: number | undefined

  const note = (story: TaskStory) => {
    const { id } = story
    if (story.is === 'unknown for now') unknown.add(id)
    else unknown.delete(id)
    if (story.is === 'waiting' && story.place !== undefined) queued.set(id, story)
    else queued.delete(id)
  }
  /** While it is unknown how a task stands, nobody can be told up to where they know. */
  const newsOf = (story: TaskStory): News => ({
    told: tellOf(story, next),
    revision: isBehind || unknown.size > 0 ? undefined : revision,
  })
  /** What a page of the feed tells of; what was removed comes last. */
  const storiesOf = ({ tasks, removed = [] }: Changes): TaskStory[] => {
    const there = new Set(tasks.map(({ id }) => id))
    const gone = removed.filter(id => !there.has(id)).map(id => ({ id, is: 'gone' }) as const)
    return [...tasks.map(storyOf), ...gone]
  }
  const tell = (stories: readonly TaskStory[]) => {
    const wanted = stories.filter(({ id }) => readers.has(id))
    wanted.forEach(note)
    for (const story of wanted) {
      const news = newsOf(story)
      for (const mailbox of readers.get(story.id) ?? []) mailbox.put(news)
      if (hasEnded(news.told)) readers.delete(story.id)
    }
  }
  /** What a reader has been told of up to `since` it need not be told anew, unless it says how many are before it. */
  const isNews = (story: TaskStory, since: number | undefined) =>
    story.revision === undefined || since === undefined || story.revision > since || 'place' in story

  const look = async (ids: readonly number[]): Promise<TaskStory[]> => {
    const nothing = () => ids.map(id => ({ id, is: 'unknown for now' }) as const)
    return askStories(master, ids).catch(nothing)
  }
  const lookForGone = async () => tell((await look([...readers.keys()])).filter(({ is }) => is === 'gone'))
  /** Tells a new reader of what the feed has not told of by now: that is newer than the answer to a look. */
  const lookFor = async (mailbox: Mailbox, { ids, since, noteGone }: ReaderOfSome) => {
    hasLooked = true
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
    const wanted = stories.filter(({ id }) => readers.has(id) && !mailbox.hasHeardOf(id))
    wanted.forEach(note)
    const toldUpTo = hasReached(since) ? since : undefined
    for (const story of wanted) {
      const news = newsOf(story)
      if (isNews(story, toldUpTo)) mailbox.put(news)
      else if (hasEnded(news.told)) mailbox.leaveOut(story.id)
    }
  }

  const read = async (signal: AbortSignal, begin: () => void) => {
    const lookForGoneSeldom = seldom(LOOK_MS, signal, lookForGone)
    const tellOfQueueSeldom = seldom(QUEUE_MS, signal, async () => tell([...queued.values()]))
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
      if (turn.page === undefined) isBehind = hasLooked
      hasBegun = true
      begin()
      const stories = turn.page === undefined ? [] : storiesOf(turn.page)
      for (const mailbox of readersOfAll)
        for (const story of stories) mailbox.put({ told: tellOf(story, next), revision })
      tell(stories)
      if (turn.page !== undefined && turn.page.removed === undefined) void lookForGoneSeldom()
      // Before the feed is read on, so that what a look saw is not told after what came later.
      const again = await look([...(isBehind ? readers.keys() : unknown)])
      if (!signal.aborted) isBehind = false
      tell(again)
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
    isBehind = false
    hasLooked = false
    next = undefined
  }

  /** Whether the feed has been there: one that was put back to where it stood earlier counts anew. */
  const hasReached = (since: number | undefined): since is number =>
    since !== undefined && revision !== undefined && since <= revision

  /** What changed after `since`, up to where the feed stands now or a little later; gives up to where. The rest the feed tells. */
  async function* catchUp(since: number): AsyncGenerator<News, number> {
    const until = revision ?? since
    let at = since
    while (at < until) {
      const page = await master.ask.changes({ since: at, wait: 0 })
      for (const story of storiesOf(page))
        yield { told: tellOf(story, next), revision: story.revision ?? page.revision }
      // It began anew, which ends the stream as soon as the feed is read again.
      if (page.revision <= at) break
      at = page.revision
    }
    return at
  }

  async function* readAll(
    mailbox: Mailbox,
    since: number | undefined,
    goAway: () => void,
  ): AsyncGenerator<News> {
    try {
      const toldUpTo = hasReached(since) ? yield* catchUp(since) : 0
      for await (const news of mailbox.read())
        if (news.revision === undefined || news.revision > toldUpTo) yield news
    } catch (error) {
      // Its reader comes again, and goes on from where it was.
      if (!hasCode(error, 'unavailable')) throw error
    } finally {
      goAway()
    }
  }

  // It may never be asked for its next step again: who made the mailbox goes away with the signal as well.
  async function* readSome(mailbox: Mailbox, goAway: () => void): AsyncGenerator<News> {
    try {
      yield* mailbox.read()
    } finally {
      goAway()
    }
  }

  return {
    async followAll({ signal, since }) {
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
      return readAll(mailbox, since, goAway)
    },
    async follow(reader) {
      const { ids, signal } = reader
      const mailbox = createMailbox(ids)
      const goAway = () => {
        signal.removeEventListener('abort', goAway)
        leave(ids, mailbox)
      }
      if (signal.aborted) mailbox.close()
      else
        try {
          signal.addEventListener('abort', goAway, { once: true })
          // First in the feed, then looked at: what changes in between is told.
          await enter(ids, mailbox)
          await lookFor(mailbox, reader)
        } catch (error) {
          goAway()
          throw error
        }
      return readSome(mailbox, goAway)
    },
  }
}
