import { parentPort, workerData } from 'node:worker_threads'
import { PngError } from './errors.ts'
import { AHEAD, type FromThread, MESSAGE_BYTES, type ThreadData, type ToThread } from './message.ts'
import { inLists, joined } from './pieces.ts'
import { swapInParts } from './swap.ts'
import { createRecoder } from './wasm.ts'

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
      for await (const pieces of inLists(swap(this.#input(say)), MESSAGE_BYTES, MESSAGE_BYTES)) {
        while (this.#underWay >= AHEAD && !this.#isStopped) await this.#change()
        if (this.#isStopped) break
        this.#underWay += 1
        const bytes = joined(pieces)
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

type Swap = (input: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

const port = parentPort
if (port !== null) {
  const { module, limits } = workerData as ThreadData
  const recoder = createRecoder(module)
  const swap: Swap = input => swapInParts(input, { ...limits, recoder })
  const say = (message: FromThread, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)
  let job = new Job()
  port.on('message', (message: ToThread) => {
    if (message.kind === 'begin') {
      job = new Job()
      void job.run(say, swap)
    } else job.take(message)
  })
}
