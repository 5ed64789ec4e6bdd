import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from './child.ts'
import { endOne } from './ending.ts'
import type { Started } from './run-file.ts'
import type { Part } from './services.ts'

/** How long after its end a part is started again, in ms: twice as long each time it ended soon, up to the most. */
const FIRST_PAUSE_MS = 100
const MOST_PAUSE_MS = 30_000
/** One that ran for so long, in ms, has not ended soon. */
const LONG_MS = 60_000

export interface KeeperOptions {
  readonly part: Part
  /** Starts its process. */
  readonly start: (part: Part) => Child
  /** Whether two of its processes may run at once: they share a socket. */
  readonly isShared: boolean
  /** Aborts when everything stops: nothing is started any more. */
  readonly stopping: AbortSignal
  /** Told a line for whoever watches. */
  readonly say: (line: string) => void
}

/** Keeps one part running. */
export class Keeper {
  part: Part
  readonly #options: KeeperOptions
  #child: Child
  /** One that is on its way out. */
  #former: Child | undefined
  #replacing: Promise<void> | undefined
  #since = performance.now()

  constructor(options: KeeperOptions) {
    this.#options = options
    this.part = options.part
    this.#child = options.start(options.part)
  }

  get log(): string {
    return this.#child.log
  }

  /** What runs of it now: two only while one replaces the other. */
  running(): Started[] {
    const all = new Set(this.#former === undefined ? [this.#child] : [this.#former, this.#child])
    return [...all].filter(child => !child.hasEnded()).map(({ started }) => started)
  }

  /** It comes back at this address, `host:port`. */
  stayAt(address: string): void {
    this.part = { ...this.part, port: Number(address.slice(address.lastIndexOf(':') + 1)) }
  }

  /** Resolves with its `host:port` once it is ready; rejects with a `Failure`. */
  ready(): Promise<string> {
    return this.#child.ready(this.#options.stopping)
  }

  /** Starts it again, with a growing pause, whenever it ends by itself. Resolves when everything stops. */
  async keep(): Promise<void> {
    const { stopping, say } = this.#options
    for (let pauseMs = FIRST_PAUSE_MS; ; ) {
      const child = this.#child
      const how = await child.ended
      // Why it failed is told to who asked for it.
      await this.#replacing?.catch(() => {})
      if (stopping.aborted) return
      if (child !== this.#child) continue
      const isSoon = performance.now() - this.#since < LONG_MS
      pauseMs = isSoon ? Math.min(pauseMs, MOST_PAUSE_MS) : FIRST_PAUSE_MS
      say(
        `${this.part.name} ended by itself (${how}) and is started again in ${pauseMs / 1_000} s: see ${child.log}`,
      )
      await delay(pauseMs, undefined, { signal: stopping }).catch(() => {})
      pauseMs *= 2
      await this.#replacing?.catch(() => {})
      if (stopping.aborted) return
      // It was replaced meanwhile.
      if (child !== this.#child) continue
      try {
        this.#start()
      } catch (error) {
        // No process, or no room for its log: the next round tries again.
        say(`${this.part.name} cannot be started: ${(error as Error).message}`)
      }
    }
  }

  /** Replaces its process by a new one: at once where both can run, else after the end of the old one. */
  async replace(): Promise<void> {
    this.#replacing = this.#replace()
    try {
      await this.#replacing
    } finally {
      this.#replacing = undefined
    }
  }

  async #replace(): Promise<void> {
    const { isShared, stopping, say } = this.#options
    const old = this.#child
    if (!isShared) await endOne(old.started, 'SIGTERM', say)
    if (stopping.aborted) return
    this.#former = old
    this.#start()
    try {
      await this.ready()
      if (isShared) await endOne(old.started, 'SIGTERM', say)
    } catch (error) {
      // The old one serves on.
      if (isShared && !old.hasEnded()) {
        await endOne(this.#child.started, 'SIGKILL', say)
        this.#child = old
      }
      if (!stopping.aborted) throw error
    } finally {
      this.#former = undefined
    }
  }

  #start(): void {
    this.#child = this.#options.start(this.part)
    this.#since = performance.now()
  }
}
