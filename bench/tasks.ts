import type { Granted, TaskEngine } from '../database/engine.ts'

/** Calls at a time while a file is filled: they share a transaction. */
const BATCH = 2_000

/** What becomes of the tasks that a file is filled with. */
export type Kind = 'waiting' | 'running' | 'finished'

/** Through the engine's own calls: what a file looks like after so many tasks is for it to say. */
export async function fillTasks(engine: TaskEngine, kind: Kind, count: number): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) {
    const times = Array.from({ length: Math.min(BATCH, left) })
    await Promise.all(times.map(() => engine.newTask()))
    if (kind === 'waiting') continue
    const grants = await Promise.all(times.map(() => takeTask(engine)))
    if (kind === 'finished') await Promise.all(grants.map(granted => finishTask(engine, granted)))
  }
}

/** Throws when none waits. */
export async function takeTask(engine: TaskEngine): Promise<Granted> {
  const granted = await engine.take({ isPlain: false, worker: 'worker' })
  if (granted === undefined) throw new Error('no task waits')
  return granted
}

export const finishTask = (engine: TaskEngine, { grant: { id, token } }: Granted) => engine.finish(id, token)
