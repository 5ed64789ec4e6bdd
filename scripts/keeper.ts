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
  /** Starts its process, which begins at once or stands by for its turn. */
  readonly start: (part: Part, isStandby: boolean) => Child
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
    this.#child = options.start(options.part, false)
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
        this.#start(false)
      } catch (error) {
        // No process, or no room for its log: the next round tries again.
        say(`${this.part.name} cannot be started: ${(error as Error).message}`)
      }
    }
  }

  /** Replaces its process by a new one, which has loaded its code, and serves where both can, before the old one ends. */
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
    // On a shared socket either may answer: the new one has to be told from it.
    if (isShared && !old.hasEnded() && old.instance() === undefined) await old.ready(stopping)
    const former = old.instance()
    this.#former = old
    this.#start(!isShared)
    try {
      if (isShared) {
        await this.#child.ready(stopping, former)
        await endOne(old.started, 'SIGTERM', say)
      } else {
        await this.#child.loaded(stopping)
        await endOne(old.started, 'SIGTERM', say)
        this.#child.goAhead()
        await this.ready()
      }
    } catch (error) {
      // The old one serves on.
      if (!old.hasEnded()) {
        await endOne(this.#child.started, 'SIGKILL', say)
        this.#child = old
      }
      if (!stopping.aborted) throw error
    } finally {
      this.#former = undefined
    }
  }

  #start(isStandby: boolean): void {
    this.#child = this.#options.start(this.part, isStandby)
    this.#since = performance.now()
  }
}
