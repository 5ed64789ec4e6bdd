import { Worker } from 'node:worker_threads'
import { PngError } from './errors.ts'
import { AHEAD, type FromThread, MESSAGE_BYTES, type ThreadData, type ToThread } from './message.ts'
import { inLists, joined } from './pieces.ts'
import type { SwapLimits } from './swap.ts'
import type { Module } from './wasm.ts'

/** A swap was ended because a thread had worked on it for too long. The message is one line for whoever sent the file. */
export class SwapTimeout extends Error {
  constructor(limitMs: number) {
    super(`the swap took more than ${limitMs / 1000} s`)
    this.name = 'SwapTimeout'
  }
}

export interface ThreadOptions {
  /** The program of a thread: a built codec/job.ts. */
  readonly entry: string
  readonly module: Module | undefined
  readonly limits: SwapLimits
  /** How long a thread may work on one swap, in ms; waiting for input, or for who takes the output, does not count. */
  readonly limitMs: number
}

/** One thread, and the swap it is at. */
export class Thread {
  readonly #worker: Worker
  readonly #limitMs: number
  #outputs: Uint8Array[] = []
  #underWay = 0
  #asked = 0
  #sent = 0
  #hasEnded = false
  #hasDone = true
  #isStopped = false
  #failure: unknown
  #wake: (() => void)[] = []
  #workedMs = 0
  #since = 0
  #alarm: NodeJS.Timeout | undefined
  isAlive = true

  constructor({ entry, module, limits, limitMs }: ThreadOptions) {
    const data: ThreadData = { module, limits }
    this.#limitMs = limitMs
    this.#worker = new Worker(entry, { workerData: data, execArgv: [] })
    this.#worker
      .on('message', (message: FromThread) => this.#hear(message))
      .on('error', error => void this.end(error))
      .on('exit', () => void this.end(new Error('a thread ended')))
    // A thread without work keeps no process alive.
    this.#worker.unref()
  }

  async *swap(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
    this.#begin()
    const fed = this.#feed(input)
    try {
      for (;;) {
        while (this.#outputs.length === 0 && !this.#hasDone && this.#failure === undefined)
          await this.#change()
        const piece = this.#outputs.shift()
        if (piece === undefined) break
        this.#underWay -= 1
        this.#say({ kind: 'took' })
        yield Buffer.from(piece.buffer)
      }
      if (this.#failure !== undefined) throw this.#failure
    } finally {
      this.#failure ??= new Error('nobody takes the output any more')
      this.#isStopped = true
      if (!this.#hasDone) this.#say({ kind: 'stop' })
      this.#changed()
      await fed
      while (!this.#hasDone) await this.#change()
      this.#worker.unref()
    }
  }

  /** Ends the thread, and with it the swap it is at. */
  async end(reason: unknown): Promise<void> {
    this.isAlive = false
    this.#failure ??= reason
    this.#hasDone = true
    this.#changed()
    await this.#worker.terminate()
  }

  #begin(): void {
    this.#outputs = []
    this.#underWay = 0
    this.#asked = 0
    this.#sent = 0
    this.#hasEnded = false
    this.#hasDone = false
    this.#isStopped = false
    this.#failure = undefined
    this.#workedMs = 0
    this.#worker.ref()
    this.#say({ kind: 'begin' })
  }

  /** Sends the input, one piece ahead of what the thread asks for. Resolves once no more is wanted, whatever happened. */
  async #feed(input: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const pieces of inLists(input, MESSAGE_BYTES, MESSAGE_BYTES)) {
        while (this.#sent > this.#asked && this.#isWanted()) await this.#change()
        if (!this.#isWanted()) return
        this.#sent += 1
        const bytes = joined(pieces)
        this.#say({ kind: 'piece', bytes }, [bytes.buffer])
      }
      this.#hasEnded = true
      if (this.#isWanted()) this.#say({ kind: 'end' })
    } catch (error) {
      this.#failure ??= error
      this.#changed()
    }
  }

  #isWanted(): boolean {
    return !this.#hasDone && this.#failure === undefined
  }

  #say(message: ToThread, transfer: ArrayBuffer[] = []): void {
    if (!this.isAlive) return
    this.#worker.postMessage(message, transfer)
    this.#clock()
  }

  #hear(message: FromThread): void {
    if (message.kind === 'asks') {
      this.#asked += 1
      // Until then it was starting: that has a limit, but is no part of the swap.
      if (this.#asked === 1) this.#stopClock()
    } else if (message.kind === 'piece') {
      this.#underWay += 1
      this.#outputs.push(message.bytes)
    } else {
      this.#hasDone = true
      if (message.kind === 'failed') {
        const { code, message: reason } = message
        this.#failure ??= code === undefined ? new Error(reason) : new PngError(code, reason)
      }
    }
    this.#changed()
  }

  /** Counts the time in which the thread has something to do, and sounds the alarm when it becomes too much. */
  #clock(): void {
    const isAwaited = (this.#asked > this.#sent && !this.#hasEnded) || this.#underWay >= AHEAD
    // A thread that was told to stop has that to do.
    const works = !this.#hasDone && (this.#isStopped || !isAwaited)
    if (works && this.#alarm === undefined) {
      this.#since = performance.now()
      this.#alarm = setTimeout(
        () => void this.end(new SwapTimeout(this.#limitMs)),
        this.#limitMs - this.#workedMs,
      )
    } else if (!works && this.#alarm !== undefined) {
      this.#workedMs += performance.now() - this.#since
      this.#stopClock()
    }
  }

  #stopClock(): void {
    clearTimeout(this.#alarm)
    this.#alarm = undefined
  }

  #changed(): void {
    this.#clock()
    for (const wake of this.#wake.splice(0)) wake()
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#wake.push(resolve))
  }
}
