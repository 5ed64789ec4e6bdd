import { setTimeout as delay } from 'node:timers/promises'
import { signalSupervisor } from './ending.ts'
import { Failure } from './failure.ts'
import { isRunning } from './process-id.ts'
import { type Run, readRun } from './run-file.ts'

/** What a supervisor takes as a wish for a rolling restart. */
export const ROLL_SIGNAL = 'SIGUSR2'

/** Pause between two looks at how far it is, in ms. */
const LOOK_MS = 50

/**
 * Has the supervisor of a running system replace its processes one after the other, and names each as it is done. Gives
 * 0 once all are; throws a `Failure` when nothing runs there, or when one of them does not come back.
 */
export async function roll(dataDir: string, say: (line: string) => void): Promise<number> {
  const before = readRun(dataDir)
  if (before === undefined || !isRunning(before.supervisor))
    throw new Failure(`nothing runs with data in ${dataDir}`)
  signalSupervisor(before.supervisor, ROLL_SIGNAL)
  const old = new Set(before.started.map(({ pid }) => pid))
  const named = new Set<string>()
  const isReplacing = (name: string) =>
    before.started.some(started => started.name === name && isRunning(started))
  for (;;) {
    const run: Run = readRun(dataDir) ?? before
    for (const { name, pid } of run.started) {
      if (old.has(pid) || named.has(name) || isReplacing(name)) continue
      named.add(name)
      say(`${name} is process ${pid} now`)
    }
    const rolls = run.rolls ?? []
    const last = rolls.at(-1)
    if (rolls.length > (before.rolls ?? []).length && last !== undefined) {
      if (last === '') return 0
      throw new Failure(last)
    }
    if (!isRunning(before.supervisor)) throw new Failure('the system was stopped meanwhile')
    await delay(LOOK_MS)
  }
}
