import { HEADER_BYTES, readHeader } from './header.ts'
import { layoutOf } from './layout.ts'
import { type SwapLimits, swapRedGreen } from './swap.ts'
import { openThreads } from './threads.ts'
import { createRecoder, loadModule } from './wasm.ts'
import { openWatch } from './watch.ts'

/**
 * An image of at most so many bytes of rows, in a file of at most so many bytes, is done on the event loop: handing it to
 * a thread would cost half as much again, or more (bench/README.md, "hop"). It takes in an icon of 128 x 128 pixels with alpha,
 * which has 65,664; it holds the loop up for a millisecond.
 */
const LOOP_BYTES = 66_000
const LOOP_FILE_BYTES = 128 * 1024
/** Of a larger one so much is fetched before a thread is asked for: threads are few, and should not wait for input. */
const AHEAD_BYTES = 256 * 1024

export interface SwapperOptions extends SwapLimits {
  /** Threads for larger images: one a core. */
  readonly threads: number
  /** How long one swap may work, in ms. */
  readonly limitMs: number
  /** Where the built codec lies: the folder with job.js, watcher.js and codec.wasm. */
  readonly folder: string
}

/** Swaps small images at once and others in threads, none of them for longer than it may. */
export interface Swapper {
  /** Whether the module runs; without SIMD it is node:zlib. */
  readonly hasModule: boolean
  /** As `swapRedGreen`, and rejects with `SwapTimeout`. */
  swap(input: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer>
  close(): Promise<void>
}

export function openSwapper({ threads, limitMs, folder, ...limits }: SwapperOptions): Swapper {
  const module = loadModule(`${folder}/codec.wasm`)
  const recoder = createRecoder(module)
  const pool = openThreads({ entry: `${folder}/job.js`, module, limits, count: threads, limitMs })
  const watch = openWatch({ entry: `${folder}/watcher.js`, limitMs })
  /** The last one on the event loop. At the same time none would be done sooner, and each would take memory of its own. */
  let last: Promise<unknown> = Promise.resolve()
  const swapHere = (input: AsyncIterable<Uint8Array>): Promise<Buffer[]> => {
    const result = last.then(() => piecesOf(swapRedGreen(input, { ...limits, recoder })))
    last = result.catch(() => {})
    return result
  }

  return {
    hasModule: module !== undefined,
    async *swap(input) {
      const iterator = input[Symbol.asyncIterator]()
      const first: Uint8Array[] = []
      const rest = { [Symbol.asyncIterator]: () => joined(first, iterator) }
      try {
        const isWhole = await collect(first, iterator)
        const isSmall = isWhole && isForLoop(Buffer.concat(first), limits)
        yield* isSmall ? await swapHere(rest) : pool.swap(rest)
      } finally {
        await iterator.return?.()
      }
    },
    async close() {
      await Promise.all([pool.close(), watch.close()])
    },
  }
}

async function piecesOf(output: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for await (const piece of output) pieces.push(piece)
  return pieces
}

/** Fetches the beginning of the input; true when that was all of it. */
async function collect(into: Uint8Array[], from: AsyncIterator<Uint8Array>): Promise<boolean> {
  for (let bytes = 0; bytes < AHEAD_BYTES; ) {
    const { done, value } = await from.next()
    if (done) return true
    into.push(value)
    bytes += value.length
  }
  return false
}

function isForLoop(file: Buffer, limits: SwapLimits): boolean {
  if (file.length > LOOP_FILE_BYTES) return false
  return layoutOf(readHeader(file.subarray(0, HEADER_BYTES), limits)).inflatedBytes <= LOOP_BYTES
}

async function* joined(
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
}
