/** What a worker is at with a task, in this order. */
const steps = ['fetching', 'swapping', 'storing'] as const
export type Step = (typeof steps)[number]

/** How long a task is in each step, from the first that is entered on. */
export interface Timeline {
  readonly step: Step
  /** Ends the present step and begins a later one. */
  enter(step: Step): void
  /** Ends the present step; what comes behind it is no step. */
  end(): void
  /** The ms of each step so far, the present one up to now, with dots between them: `12.31.4`; undefined before the first. */
  say(): string | undefined
}

/** @param now A clock in ms that never jumps. */
export function openTimeline(now: () => number = () => performance.now()): Timeline {
  /** When each step began: one that was left out takes no time. */
  const began: number[] = []
  let endedAt: number | undefined
  const current = () => began.length - 1

  return {
    get step() {
      return steps[Math.max(0, current())] as Step
    },
    enter(step) {
      while (current() < steps.indexOf(step)) began.push(now())
    },
    end() {
      endedAt ??= now()
    },
    say() {
      const ends = [...began.slice(1), endedAt ?? now()]
      return began.map((at, step) => Math.round((ends[step] ?? at) - at)).join('.') || undefined
    },
  }
}
