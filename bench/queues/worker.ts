/** What a worker does with a queue. */
export interface Hands<T> {
  /** Takes a task, if one waits. */
  take(worker: string): Promise<T | undefined>
  /** Finishes it. Gives the next one, where the queue hands that out in the same step. */
  finish(task: T, worker: string): Promise<T | undefined>
}

/** So many workers at the same time: each takes one task after the other and finishes it, until none waits. */
export async function runWorkers<T>(count: number, { take, finish }: Hands<T>): Promise<void> {
  const work = async (name: string) => {
    let task = await take(name)
    while (task !== undefined) task = (await finish(task, name)) ?? (await take(name))
  }
  await Promise.all(Array.from({ length: count }, (_, number) => work(`worker-${number + 1}`)))
}
