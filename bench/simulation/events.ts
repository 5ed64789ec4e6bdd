/** What is to come, in the order of its time: the clock of a simulation. */
export interface Events {
  /** Simulated time since the beginning, in ms. */
  now(): number
  /** Does `action` so much later, in ms; of two at the same time the one that was asked for first comes first. */
  after(ms: number, action: () => void): void
  /** Goes from one to the next until it is over, or nothing is to come. */
  run(isOver: () => boolean): void
}

interface Event {
  readonly at: number
  readonly number: number
  readonly action: () => void
}

const isBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.number < b.number)

/** A binary heap: the next one is at 0, those behind the one at i are at 2i+1 and 2i+2. */
export function createEvents(): Events {
  const heap: Event[] = []
  let now = 0
  let number = 0

  const push = (event: Event) => {
    let at = heap.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above] as Event
      if (isBefore(parent, event)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  /** Puts `event` where the first was, and moves it down to its place. */
  const sink = (event: Event) => {
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      if (left >= heap.length) break
      const right = left + 1
      const isRight = right < heap.length && isBefore(heap[right] as Event, heap[left] as Event)
      const below = isRight ? right : left
      const child = heap[below] as Event
      if (isBefore(event, child)) break
      heap[at] = child
      at = below
    }
    heap[at] = event
  }

  return {
    now: () => now,
    after(ms, action) {
      push({ at: now + ms, number: number++, action })
    },
    run(isOver) {
      while (!isOver()) {
        const first = heap[0]
        if (first === undefined) return
        const last = heap.pop() as Event
        if (heap.length > 0) sink(last)
        now = first.at
        first.action()
      }
    },
  }
}
