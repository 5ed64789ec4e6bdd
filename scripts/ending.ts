import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from './failure.ts'
import { isRunning, type ProcessId } from './process-id.ts'
import type { Started } from './run-file.ts'
import { serviceOf, stopOrder } from './services.ts'

/** How long a service may take to end in order, in ms; past it, it is killed. Its own bound is 12 s. */
const END_MS = 15_000
/** How long the kernel may take to end a killed one, in ms. */
const KILL_MS = 5_000
const LOOK_MS = 10

/**
 * Ends processes in the order in which nobody misses them, each service once the one before it is gone, and gives the
 * names of those that ended, in that order. SIGINT: all stops, so none lingers for others.
 */
export async function endInOrder(
  running: readonly Started[],
  say: (line: string) => void,
): Promise<readonly string[]> {
  const names: string[] = []
  for (const service of stopOrder) {
    const alike = running.filter(({ name }) => serviceOf(name) === service)
    await Promise.all(
      alike.map(async started => {
        if (await endOne(started, 'SIGINT', say)) names.push(started.name)
      }),
    )
  }
  return names
}

/** Ends a process: with a signal, and by force when that is not enough. False when it runs on even so, which is said. */
export async function endOne(
  started: Started,
  signal: NodeJS.Signals,
  say: (line: string) => void,
): Promise<boolean> {
  if (isRunning(started)) signalTo(started, signal)
  if (await hasEnded(started, END_MS)) return true
  say(`${started.name} did not end within ${END_MS / 1_000} s and is killed`)
  killAtOnce([started])
  const isGone = await hasEnded(started, KILL_MS)
  if (!isGone) say(`${started.name} (process ${started.pid}) cannot be ended`)
  return isGone
}

/** Ends processes, and what they may have started, without asking. */
export function killAtOnce(running: readonly Started[]): void {
  for (const started of running) {
    // A negative number means the process group, which each has of its own.
    if (isRunning(started)) signalTo({ ...started, pid: -started.pid }, 'SIGKILL')
  }
}

/** True as soon as a process has ended, false after `withinMs`. */
export async function hasEnded(process: Parameters<typeof isRunning>[0], withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (isRunning(process)) {
    if (performance.now() > deadline) return false
    await delay(LOOK_MS)
  }
  return true
}

/** Sends a supervisor a signal. Throws a `Failure` when it is another user's. */
export function signalSupervisor({ pid }: ProcessId, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM')
      throw new Failure(`process ${pid} runs the system, and is another user's`)
  }
}

function signalTo({ pid }: Started, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended meanwhile, or is another user's: whether it is gone is looked at afterwards.
  }
}
