import type { Transform } from 'node:stream'

/** How one zlib stream is worked off. */
export interface PumpOptions {
  /** Opens the asynchronous stream of node:zlib; its work runs on libuv's threads. */
  readonly open: () => Transform
  /**
   * Does the same for a whole stream at once, on the event loop. Left out where that would hold the loop up.
   */
  readonly once?: ((whole: Buffer) => Buffer) | undefined
  /** Pieces are collected up to this many bytes before a thread is asked, since each asking costs. */
  readonly collectBytes: number
}

/**
 * Drives one zlib stream by hand: writes a piece, hands out all that comes of it, and only then takes the
 * next. So neither side runs ahead, nothing is held but one output block, and an error has exactly one place
 * to appear.
 */
export class Pump {
  readonly #options: PumpOptions
  #stream: Transform | undefined
  #collected: Uint8Array[] = []
  #collectedBytes = 0
  #isBusy = false
  #hasEnded = false
  #error: Error | undefined
  #wake: () => void = () => {}

  constructor(options: PumpOptions) {
    this.#options = options
  }

  /** Takes a piece and gives what has come out by then; nothing while pieces are being collected. */
  async *write(piece: Uint8Array): AsyncGenerator<Buffer> {
    this.#collected.push(piece)
    this.#collectedBytes += piece.length
    if (this.#collectedBytes >= this.#options.collectBytes) yield* this.#drive()
  }

  /** Gives the rest. Rejects when the stream is not complete. */
  async *end(): AsyncGenerator<Buffer> {
    if (this.#stream === undefined && this.#options.once !== undefined) {
      yield this.#options.once(this.#take())
      return
    }
    yield* this.#drive()
    this.#opened().end()
    while (!this.#hasEnded) {
      const out = this.#read()
      if (out !== undefined) yield out
      else if (!this.#hasEnded) await this.#change()
    }
  }

  /** Frees the stream, whatever it is doing. */
  destroy(): void {
    this.#stream?.destroy()
  }

  async *#drive(): AsyncGenerator<Buffer> {
    const bytes = this.#take()
    // After the end of the zlib stream node ends the readable side and ignores what is written.
    if (bytes.length === 0 || this.#hasEnded) return
    this.#isBusy = true
    this.#opened().write(bytes, () => {
      this.#isBusy = false
      this.#wake()
    })
    for (;;) {
      const out = this.#read()
      if (out !== undefined) yield out
      else if (this.#isBusy) await this.#change()
      else return
    }
  }

  #take(): Buffer {
    const [first] = this.#collected
    const bytes =
      this.#collected.length === 1 && first !== undefined
        ? Buffer.from(first.buffer, first.byteOffset, first.byteLength)
        : Buffer.concat(this.#collected)
    this.#collected = []
    this.#collectedBytes = 0
    return bytes
  }

  #opened(): Transform {
    if (this.#stream !== undefined) return this.#stream
    const wake = () => this.#wake()
    this.#stream = this.#options
      .open()
      .on('readable', wake)
      .on('end', () => {
        this.#hasEnded = true
        wake()
      })
      .on('error', error => {
        this.#error = error
        wake()
      })
    return this.#stream
  }

  #read(): Buffer | undefined {
    if (this.#error !== undefined) throw this.#error
    const out: Buffer | null = this.#opened().read()
    return out ?? undefined
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }
}
