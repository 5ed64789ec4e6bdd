import { parentPort, workerData } from 'node:worker_threads'
import { PngError, type PngErrorCode } from './errors.ts'
import { inPieces } from './pieces.ts'
import { type SwapLimits, swapRedGreen } from './swap.ts'
import { createRecoder, type Module } from './wasm.ts'

/** What a thread is started with. */
export interface ThreadData {
  /** The compiled module; undefined where there is no SIMD. */
  readonly module: Module | undefined
  readonly limits: SwapLimits
}

/** What a thread is told. One swap after the other: `begin`, pieces, `end`; or `stop`, at any time in between. */
export type ToThread =
  | { readonly kind: 'begin' | 'end' | 'took' | 'stop' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }

/** What a thread says: `asks` for the next piece of the input, a `piece` of the output, and how the swap ended. */
export type FromThread =
  | { readonly kind: 'asks' | 'done' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly code: PngErrorCode | undefined; readonly message: string }

/** Bytes of a piece between threads, at most: each costs a message. */
export const MESSAGE_BYTES: number = 256 * 1024
/** How many pieces of the output may be under way. */
export const AHEAD = 2

/** The swap that a thread is at. */
class Job {
  readonly #pieces: Uint8Array[] = []
  #hasEnded = false
  #isStopped = false
  #underWay = 0
  #wake: () => void = () => {}

  take(message: ToThread): void {
    if (message.kind === 'piece') this.#pieces.push(message.bytes)
    else if (message.kind === 'took') this.#underWay -= 1
    else if (message.kind === 'end') this.#hasEnded = true
    else if (message.kind === 'stop') this.#isStopped = true
    this.#wake()
  }

  async run(say: (message: FromThread, transfer?: ArrayBuffer[]) => void, swap: Swap): Promise<void> {
    try {
      for await (const piece of inPieces(swap(this.#input(say)), MESSAGE_BYTES)) {
        while (this.#underWay >= AHEAD && !this.#isStopped) await this.#change()
        if (this.#isStopped) break
        this.#underWay += 1
        // A copy of its own memory: it leaves this thread.
        const bytes = new Uint8Array(piece)
        say({ kind: 'piece', bytes }, [bytes.buffer])
      }
      say({ kind: 'done' })
    } catch (error) {
      const { message } = error as Error
      say({ kind: 'failed', code: error instanceof PngError ? error.code : undefined, message })
    }
  }

  async *#input(say: (message: FromThread) => void): AsyncGenerator<Uint8Array> {
    for (;;) {
      say({ kind: 'asks' })
      while (this.#pieces.length === 0 && !this.#hasEnded && !this.#isStopped) await this.#change()
      const piece = this.#pieces.shift()
      if (this.#isStopped || piece === undefined) return
      yield piece
    }
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}

type Swap = (input: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>

const port = parentPort
if (port !== null) {
  const { module, limits } = workerData as ThreadData
  const recoder = createRecoder(module)
  const swap: Swap = input => swapRedGreen(input, { ...limits, recoder })
  const say = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  let job = new Job()
  port.on('message', (message: ToThread) => {
    if (message.kind === 'begin') {
      job = new Job()
      void job.run(say, swap)
    } else job.take(message)
  })
}
