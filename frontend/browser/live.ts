import { hasEnded, type Told } from '../told.ts'

/** How the page hears of its tasks. */
export type Connection = 'idle' | 'live' | 'coming back' | 'asking'

export interface Following {
  add(id: number): void
  /** Nothing about it is wanted any more. */
  drop(id: number): void
}

/** Tasks that come one after the other are followed together, in ms. */
const GATHER_MS = 150
/** After so many errors in a row it asks by itself, so often, and tries again after so long, in ms. */
const MOST_ERRORS = 3
const ASK_MS = 2_000
const STREAM_AGAIN_MS = 30_000

/**
 * Follows tasks over one stream of events; where that does not hold it asks for all of them from time to time. A browser that
 * comes again after its stream broke off is told how everything stands.
 */
export function followTasks(hear: (told: Told) => void, show: (connection: Connection) => void): Following {
  const ids = new Set<number>()
  let source: EventSource | undefined
  let errors = 0
  let gathering: number | undefined
  let asking: number | undefined

  const take = (told: Told) => {
    if (!ids.has(told.id)) return
    if (hasEnded(told)) ids.delete(told.id)
    hear(told)
    if (ids.size === 0) stop()
  }
  const query = () => `/events?ids=${[...ids].join(',')}`

  const stop = () => {
    source?.close()
    source = undefined
    clearTimeout(asking)
    asking = undefined
    errors = 0
    show('idle')
  }

  const listen = () => {
    source?.close()
    if (ids.size === 0) return stop()
    const opened = new EventSource(query())
    source = opened
    opened.onopen = () => {
      errors = 0
      show('live')
    }
    opened.addEventListener('task', event => take(JSON.parse(event.data)))
    opened.onerror = () => {
      if (source !== opened) return
      errors += 1
      show('coming back')
      // Closed: it was refused, and the browser does not come again by itself.
      if (opened.readyState !== EventSource.CLOSED && errors < MOST_ERRORS) return
      opened.close()
      source = undefined
      const until = performance.now() + STREAM_AGAIN_MS
      void ask(until)
    }
  }

  const ask = async (until: number): Promise<void> => {
    clearTimeout(asking)
    try {
      const answer = await fetch(query(), { headers: { accept: 'application/json' } })
      if (answer.ok) {
        show('asking')
        for (const told of (await answer.json()) as Told[]) take(told)
      } else if (answer.status === 404) for (const id of ids) take({ id, state: 'gone' })
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
    gathering = setTimeout(() => {
      gathering = undefined
      clearTimeout(asking)
      errors = 0
      listen()
    }, GATHER_MS)
  }

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
