import { hasEnded, type Told } from './told.ts'

export interface News {
  readonly told: Told
  /** Where the feed of changes stood; undefined where there is none. */
  readonly revision: number | undefined
}

/** Most tasks of which a reader of all may have unread news. */
const MOST_UNREAD = 10_000

/** The latest news of some tasks, or of all, for one reader: a slow one is told less often, and never holds more than this. */
export interface Mailbox {
  /** Takes the place of what was not read yet of that task, but, where it is of some tasks, never of its end. */
  put(news: News): void
  /** Whether anything was put of that task. */
  hasHeardOf(id: number): boolean
  close(): void
  /**
   * What comes; ends with the last of its tasks, or when the mailbox is closed. Of some tasks it tells each thing once in a row, and
   * nothing behind an end.
   */
  read(): AsyncGenerator<News>
}

/** @param ids The tasks of which it is told; 'all' ends when too many are unread, so that its reader comes again. */
export function createMailbox(ids: readonly number[] | 'all'): Mailbox {
  const left = ids === 'all' ? undefined : new Set(ids)
  const unread = new Map<number, News>()
  const read = new Map<number, string>()
  const heardOf = new Set<number>()
  let isClosed = false
  let wake = () => {}

  const close = () => {
    isClosed = true
    unread.clear()
    wake()
  }

  return {
    put(news) {
      if (isClosed) return
      const { id } = news.told
      const latest = unread.get(id)
      if (left !== undefined) {
        heardOf.add(id)
        // A look that was under way when the end was told of may know less.
        if (!left.has(id) || (latest !== undefined && hasEnded(latest.told))) return
      }
      unread.set(id, news)
      if (unread.size > MOST_UNREAD) close()
      wake()
    },
    hasHeardOf: id => heardOf.has(id),
    close,
    async *read() {
      while (!isClosed && left?.size !== 0) {
        const [news] = unread.values()
        if (news === undefined) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
          continue
        }
        const { told } = news
        unread.delete(told.id)
        if (left === undefined) {
          yield news
          continue
        }
        const text = JSON.stringify(told)
        if (text === read.get(told.id)) continue
        if (hasEnded(told)) {
          left.delete(told.id)
          read.delete(told.id)
        } else read.set(told.id, text)
        yield news
      }
    },
  }
}
