/** What a step takes of its group's time, and how often a picture takes it. */
interface Step {
  readonly weight: number
  readonly times: number
}

/**
 * What each step takes of its service's time on the loop, or in threads, where each picture is alone; a step that is taken `times` times takes
 * as much each time. Estimates, of how much code and how many system calls a step is; together they make 1. Which of a service's
 * steps is the longer one hardly shows in what is simulated, since they all wait for the same loop.
 */
export const steps = {
  // Who waits for a picture asks whether it is ready; what that takes is what `pipeline closed` takes more than `pipeline icons`.
  client: { send: step(0.6), hear: step(0.4), ask: step(0.45, 0), beTold: step(0.35, 0) },
  frontend: {
    readForm: step(0.5),
    makeTask: step(0.2),
    answer: step(0.3),
    ask: step(0.35, 0),
    tell: step(0.35, 0),
  },
  // Of an icon.
  storage: {
    accept: step(0.13, 3),
    // A file is made and written, at once.
    make: step(0.1, 2),
    // The log is written, whatever is in a batch, given to a thread, and heard of again.
    log: step(0.06, 2),
    // A file has its name, and loses its temporary one.
    name: step(0.05, 2),
    // What the log holds is opened and read at once.
    readNow: step(0.07),
    answer: step(0.04, 3),
    // Back from a thread, on to the next, where something is read that another storage has written.
    goOn: step(0.02, 0),
  },
  /** What is beside a transaction itself; who asks whether a picture is ready is read and answered once more. */
  database: { read: step(0.32, 2), write: step(0.04, 2), answer: step(0.14, 2) },
  worker: {
    fetch: step(0.15),
    // An icon is swapped on the loop.
    swap: step(0.35),
    send: step(0.2),
    finish: step(0.18),
    hear: step(0.12),
  },
  /** In storage's threads, of an icon. */
  log: { sync: step(0.5, 2) },
  /** In storage's threads, of a photograph; the upload is written in three goes, and the result. */
  files: {
    write: step(0.5 / 6, 6),
    sync: step(0.1, 2),
    syncFolder: step(0.05, 2),
    open: step(0.03),
    read: step(0.17),
  },
} as const satisfies Record<string, Record<string, Step>>

type Steps = typeof steps
type StepMs<G extends keyof Steps> = { readonly [K in keyof Steps[G]]: number }
/** What steps take, in ms on average. */
export type AllStepMs = { readonly [G in keyof Steps]: StepMs<G> }

/**
 * What the steps of a group take, which took so long together.
 *
 * @param often How often a picture took some of them, if it was not as often as it says there: less than once where several shared one.
 */
export function spread<G extends keyof Steps>(
  group: G,
  ms: number,
  often: { readonly [K in keyof Steps[G]]?: number } = {},
): StepMs<G> {
  const all = Object.entries(steps[group]) as [keyof Steps[G], Step][]
  const sum = all.reduce((sum, [name, { weight, times }]) => sum + weight * (often[name] ?? times), 0)
  return Object.fromEntries(all.map(([name, { weight }]) => [name, (ms * weight) / sum])) as StepMs<G>
}

function step(weight: number, times = 1) {
  return { weight, times }
}
