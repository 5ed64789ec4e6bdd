import { formatStory, hasEnded, type TaskStory } from './story.ts'

export interface News {
  readonly story: TaskStory
  /** Where the feed of changes stood; undefined where there is none. */
  readonly revision: number | undefined
}

/** The latest news for one reader: a slow one is told less often, and never holds more than this. */
export interface Mailbox {
  /** Takes the place of what was not read yet, but never of a task's end. */
  put(news: News): void
  close(): void
  /** What comes, each story once in a row; ends with the task, or when the mailbox is closed. */
  read(): AsyncGenerator<News>
}

export function createMailbox(): Mailbox {
  let latest: News | undefined
  let isClosed = false
  let wake = () => {}

  return {
    put(news) {
      // A look that was under way when the end was told of may know less.
      if (latest !== undefined && hasEnded(latest.story)) return
      latest = news
      wake()
    },
    close() {
      isClosed = true
      wake()
    },
    async *read() {
      let told: string | undefined
      while (!isClosed) {
        const news = latest
        if (news === undefined || formatStory(news.story) === told) {
          await new Promise<void>(resolve => {
            wake = resolve
          })
          continue
        }
        told = formatStory(news.story)
        yield news
        if (hasEnded(news.story)) return
      }
    },
  }
}
