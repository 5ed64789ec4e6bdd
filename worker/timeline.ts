/** What a worker is at with a task, in this order. */
export const steps = ['fetching', 'swapping', 'storing'] as const
export type Step = (typeof steps)[number]

/** How long a task is in each step. */
export interface Timeline {
  readonly step: Step
  /** Ends the present step and begins a later one. */
  enter(step: Step): void
  /** The ms of each step so far, the present one up to now, with dots between them: `12.31.4`. */
  say(): string
}

/** @param now A clock in ms that never jumps. */
export function openTimeline(now: () => number = () => performance.now()): Timeline {
  /** When each step began: one that was left out takes no time. */
  const began = [now()]
  const current = () => began.length - 1

  return {
    get step() {
      return steps[current()] as Step
    },
    enter(step) {
      while (current() < steps.indexOf(step)) began.push(now())
    },
    say() {
      const ends = [...began.slice(1), now()]
      return began.map((at, step) => Math.round((ends[step] ?? at) - at)).join('.')
    },
  }
}
