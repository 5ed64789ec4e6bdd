import type { Signal } from '../test/system/process.ts'
import type { Name, OpenSystem, SystemOptions } from '../test/system/system.ts'

/** A system on which faults are tried: one of its own, or one that start-all.sh runs. */
export interface Deployment {
  /** `http://HOST:PORT` of each process that can be asked. */
  readonly urls: OpenSystem['urls']
  readonly names: readonly Name[]
  /** Where its data lies, on this machine. */
  readonly dataDir: string
  /** Shown to its inner services; none where it has none. */
  readonly secret?: string | undefined
  /** How long a silent worker holds a task, in ms. */
  readonly leaseMs: number
  /** How long a temporary file may lie before it is swept, and an image without a task, in ms. */
  readonly abandonedMs: number
  readonly orphanMs: number
  readonly pids: () => Readonly<Record<string, number>>
  /** Sends a signal (SIGKILL unless said) and resolves once the process has ended. */
  kill(name: Name, signal?: Signal): Promise<unknown>
  killAll(signal?: Signal): Promise<void>
  /** Starts it again, or sees that it is started; resolves once it is ready. One of its own may be started to fail. */
  start(name: Name, failpoints?: string): Promise<void>
  startAll(): Promise<void>
  /** Replaces its processes one after the other, where a supervisor does that. */
  roll?(): Promise<void>
  log(name: Name): string
  /** What went wrong that nobody asked for (I10). */
  faults(): string[]
  /** Has images without a task swept until `isClean`, or until it has had its time. */
  sweepOrphans(isClean: () => Promise<boolean>): Promise<void>
  /** Ends all in order, so that its files can be looked at; false when it is not ours to end. */
  stop(): Promise<boolean>
  close(): Promise<void>
}

/** How a scene gets its system. */
export type OpenDeployment = (options?: SystemOptions, isSupervised?: boolean) => Promise<Deployment>
