import type { Readable } from 'node:stream'

/**
 * The pieces of a stream as they came, one after the other. Node's own iterator joins what has come in the meantime, which
 * copies it, and costs several turns of the queues a piece. Reading begins at once, and pauses while there is a piece that
 * nobody asked for. Fails as the stream does, also when it was destroyed before; to leave early destroys it.
 */
export class Flow implements AsyncIterableIterator<Buffer> {
  readonly #stream: Readable
  readonly #held: Buffer[] = []
  #hasEnded = false
  #failure: Error | undefined
  #asker: { resolve(result: IteratorResult<Buffer>): void; reject(error: Error): void } | undefined

  constructor(stream: Readable) {
    this.#stream = stream
    const breakOff = () => this.#fail(stream.errored ?? new Error('The stream broke off.'))
    if (stream.destroyed) breakOff()
    stream
      .on('data', (piece: Buffer) => this.#take(piece))
      .once('end', () => {
        stream.off('close', breakOff)
        this.#hasEnded = true
        this.#asker?.resolve(OVER)
      })
      .on('error', error => this.#fail(error))
      .once('close', breakOff)
      .resume()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** Not to be called again before it has answered. */
  next(): Promise<IteratorResult<Buffer>> {
    const value = this.#held.shift()
    if (value !== undefined) return Promise.resolve({ value })
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#hasEnded) return Promise.resolve(OVER)
    return new Promise((resolve, reject) => {
      this.#asker = { resolve, reject }
      if (this.#stream.isPaused()) this.#stream.resume()
    })
  }

  return(): Promise<IteratorResult<Buffer>> {
    this.#stream.destroy()
    return Promise.resolve(OVER)
  }

  #take(value: Buffer): void {
    const asker = this.#asker
    this.#asker = undefined
    if (asker === undefined) {
      this.#held.push(value)
      this.#stream.pause()
    } else asker.resolve({ value })
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#asker?.reject(error)
  }
}

const OVER = { done: true, value: undefined } as const
