import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { SMALL_BODY_BYTES, unheard } from './body.ts'

/** What is answered: a small body whole, as its length says it is, any other as a stream, which has to be read or destroyed. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer | Readable
}

/**
 * Sends one request, and gives its answer; rejects with what undici says went wrong, or with the reason of `signal`, which later
 * on breaks the stream off. undici's own `request` makes a stream of every body, which costs a third more where it is small, and
 * nearly as much again where there is a signal.
 */
export function exchange(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  signal?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    dispatcher.dispatch(options, new Exchange(resolve, reject, signal))
  })
}

/** Hears what undici tells of one request. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #giveUp: (() => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  /** Bytes of the body that have not come; NaN where nobody says how many it has. */
  #left = Number.NaN
  #headers: Answer['headers'] = {}
  #whole: Buffer | undefined
  #stream: Readable | undefined

  constructor(resolve: (answer: Answer) => void, reject: (error: unknown) => void, signal?: AbortSignal) {
    this.#resolve = resolve
    this.#reject = reject
    this.#signal = signal
    if (signal === undefined) return
    this.#giveUp = () => this.#breakOff(signal.reason)
    signal.addEventListener('abort', this.#giveUp, { once: true })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // It was given up while it waited for a connection.
    if (this.#signal?.aborted) controller.abort(this.#signal.reason)
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Answer['headers'],
  ): void {
    // What is only on the way to an answer (RFC 9110, 15.2).
    if (status < 200) return
    this.#status = status
    this.#headers = headers
    this.#left = Number(headers['content-length'])
    if (status === 204 || this.#left <= SMALL_BODY_BYTES) this.#whole = EMPTY
    else this.#resolve({ status, headers, body: this.#openStream(controller) })
  }

  onResponseData(controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#left -= piece.length
    const isFull = this.#stream?.push(piece) === false
    // With its last byte it is whole, whoever reads it when: a connection that ends afterwards breaks nothing off.
    if (isFull && this.#left !== 0) controller.pause()
    else if (this.#whole !== undefined)
      this.#whole = this.#whole.length === 0 ? piece : Buffer.concat([this.#whole, piece])
  }

  onResponseEnd(): void {
    this.#letGo()
    this.#stream?.push(null)
    if (this.#whole !== undefined)
      this.#resolve({ status: this.#status, headers: this.#headers, body: this.#whole })
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#breakOff(error)
  }

  #openStream(controller: Dispatcher.DispatchController): Readable {
    this.#stream = new Readable({
      // The pieces are as large as one read of the socket.
      highWaterMark: SMALL_BODY_BYTES,
      read: () => controller.resume(),
      destroy: (error, done) => {
        this.#letGo()
        // Of an answer that is through this is no news to undici.
        controller.abort(error ?? NOT_WANTED)
        done(error)
      },
    })
    return this.#stream
  }

  #breakOff(reason: Error): void {
    this.#letGo()
    this.#reject(reason)
    this.#controller?.abort(reason)
    this.#stream?.on('error', unheard).destroy(reason)
  }

  #letGo(): void {
    if (this.#giveUp !== undefined) this.#signal?.removeEventListener('abort', this.#giveUp)
  }
}

const EMPTY = Buffer.alloc(0)
/** Made once: each would be a trace of the stack for nobody. */
const NOT_WANTED = new DOMException('The answer is not wanted any more.', 'AbortError')
