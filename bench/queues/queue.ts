/** A queue of tasks. What it has answered is on disk: all of them are asked to keep the same promise. */
export interface Queue {
  readonly name: string
  /** What runs, and the settings that make it durable, as they were read back. */
  readonly says: string
  /** The process that keeps the tasks, where it is not this one. */
  readonly pid: number | undefined
  /** Makes so many tasks that wait. */
  add(count: number): Promise<void>
  /** Lets so many workers take tasks and finish them, all at the same time, until none waits. */
  drain(workers: number): Promise<void>
  /** How many have been finished so far, told by the queue itself. */
  countFinished(): Promise<number>
  close(): Promise<void>
}
