import { hasEnded, type Told } from './told.ts'

export interface News {
  readonly told: Told
  /**
   * Whoever has been told this has been told of all changes up to this one; undefined where that cannot be said. It never goes
   * back from one news to the next.
   */
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
  /** Its reader knows already how this task ended. */
  leaveOut(id: number): void
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
      // Last, or whoever reads it would hear of a later change than of one that is unread still.
      unread.delete(id)
      unread.set(id, news)
      if (unread.size > MOST_UNREAD) close()
      wake()
    },
    hasHeardOf: id => heardOf.has(id),
    leaveOut: id => void left?.delete(id),
    close,
    async *read() {
      while (!isClosed && left?.size !== 0) {
        const [latest, after] = unread.values()
        if (latest === undefined) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
          continue
        }
        const { told } = latest
        // Of several at one revision only the last one brings its reader there.
        const news = latest.revision === after?.revision ? { told, revision: undefined } : latest
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
