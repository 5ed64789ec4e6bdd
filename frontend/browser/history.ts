/** A task of this browser's, as it is remembered over a refresh. */
export interface Remembered {
  readonly id: number
  readonly name: string
  readonly bytes: number
}

const KEY = 'verdigris'
/** Most that are remembered; the oldest are forgotten first. */
const MOST = 200

/** The tasks of this browser, oldest first. Where nothing may be kept, nothing is. */
export function openHistory() {
  const read = (): Remembered[] => {
    try {
      const all: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
      return Array.isArray(all) ? all.filter(isRemembered) : []
    } catch {
      return []
    }
  }
  const write = (all: readonly Remembered[]) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(all.slice(-MOST)))
    } catch {}
  }
  return {
    all: read,
    // Read anew each time: another tab may have written.
    add: (one: Remembered) => write([...read().filter(({ id }) => id !== one.id), one]),
    remove: (id: number) => write(read().filter(one => one.id !== id)),
  }
}

function isRemembered(value: unknown): value is Remembered {
  const { id, name, bytes } = (value ?? {}) as Partial<Record<keyof Remembered, unknown>>
  return Number.isSafeInteger(id) && typeof name === 'string' && typeof bytes === 'number'
}
