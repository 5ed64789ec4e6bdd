import { hasEnded, type Told } from '../told.ts'

/** How the page hears of its tasks. */
export type Connection = 'idle' | 'live' | 'coming back' | 'asking'

export interface Following {
  add(id: number): void
  /** Nothing about it is wanted any more. */
  drop(id: number): void
}

/** Most tasks that are followed at once: more would make an address longer than proxies take. The rest follows as those end. */
export const MOST_AT_ONCE = 400
/** Tasks that come one after the other are followed together, in ms: sooner as long as none is followed. */
const GATHER_FIRST_MS = 100
const GATHER_MS = 1_000
/** After so many errors in a row, or so long without a word, it asks by itself, so often, and tries again after so long, in ms. */
const MOST_ERRORS = 3
const SILENT_MS = 5_000
const ASK_MS = 2_000
const STREAM_AGAIN_MS = 30_000

/**
 * Follows tasks over one stream of events; where that does not hold it asks for all of them from time to time. Whoever comes again
 * after a stream broke off is told how everything stands. A page that nobody looks at follows nothing: browsers allow a few
 * connections to a server, over all their tabs.
 */
export function followTasks(hear: (told: Told) => void, show: (connection: Connection) => void): Following {
  const ids = new Set<number>()
  let source: EventSource | undefined
  let errors = 0
  let gathering: number | undefined
  let asking: number | undefined

  const first = () => [...ids].slice(0, MOST_AT_ONCE)
  const query = () => `/events?ids=${first().join(',')}`
  const take = (told: Told) => {
    if (!ids.has(told.id)) return
    const hasMore = ids.size > MOST_AT_ONCE
    if (hasEnded(told)) ids.delete(told.id)
    hear(told)
    if (ids.size === 0) stop()
    else if (hasMore && hasEnded(told)) gather()
  }

  const rest = () => {
    source?.close()
    source = undefined
    clearTimeout(asking)
    errors = 0
  }
  const stop = () => {
    rest()
    show('idle')
  }

  const listen = () => {
    clearTimeout(asking)
    if (ids.size === 0) return stop()
    if (document.hidden) return rest()
    const before = source
    const followed = first()
    const opened = new EventSource(query())
    source = opened
    // Some proxies keep back what they are to pass on.
    const silence = setTimeout(() => giveUp(), SILENT_MS)
    const giveUp = () => {
      opened.close()
      before?.close()
      if (source !== opened) return
      source = undefined
      void ask(performance.now() + STREAM_AGAIN_MS)
    }
    opened.onopen = () => {
      clearTimeout(silence)
      before?.close()
      errors = 0
      if (source === opened) show('live')
    }
    opened.addEventListener('task', event => take(JSON.parse(event.data)))
    opened.onerror = () => {
      clearTimeout(silence)
      if (source !== opened) return opened.close()
      // It told of the end of all that it was asked for: what came since is asked for by another one.
      if (!followed.some(id => ids.has(id))) {
        rest()
        return gather()
      }
      errors += 1
      show('coming back')
      // Closed: it was refused, and the browser does not come again by itself.
      if (opened.readyState === EventSource.CLOSED || errors >= MOST_ERRORS) giveUp()
    }
  }

  const ask = async (until: number): Promise<void> => {
    try {
      const answer = await fetch(query(), { headers: { accept: 'application/json' } })
      if (answer.ok) {
        show('asking')
        for (const told of (await answer.json()) as Told[]) take(told)
      } else if (answer.status === 404) for (const id of first()) take({ id, state: 'gone' })
      else show('coming back')
    } catch {
      show('coming back')
    }
    if (ids.size === 0 || source !== undefined) return
    const again = () => (performance.now() > until ? listen() : ask(until))
    asking = setTimeout(() => void again(), ASK_MS)
  }

  const gather = () => {
    if (gathering !== undefined) return
    gathering = setTimeout(
      () => {
        gathering = undefined
        errors = 0
        listen()
      },
      source === undefined ? GATHER_FIRST_MS : GATHER_MS,
    )
  }
  document.addEventListener('visibilitychange', () => {
    if (ids.size > 0) gather()
  })

  return {
    add(id) {
      ids.add(id)
      gather()
    },
    drop(id) {
      if (ids.delete(id) && ids.size === 0) stop()
    },
  }
}
