import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { PngError } from '../../codec/errors.ts'
import { SwapTimeout } from '../../codec/thread.ts'
import { openThreads, type ThreadsOptions } from '../../codec/threads.ts'
import { loadModule } from '../../codec/wasm.ts'
import { encodePng } from '../images/encode.ts'
import { inPieces, LIMITS, MODULE, swap } from './build.ts'
import { hungModule } from './hung.ts'

const { recoder: _, ...limits } = LIMITS
const built = loadModule(MODULE)
const rgba = encodePng({ width: 120, height: 110, colourType: 6, bitDepth: 8, seed: 1 })
/** More than two messages long, on its way in and out. */
const rgb = encodePng({ width: 800, height: 500, colourType: 2, bitDepth: 16, seed: 2 })
const tiny = encodePng({ width: 8, height: 8, colourType: 2, bitDepth: 8, seed: 3 })
/** So long that no thread of a busy machine works without having got anywhere. */
const LIMIT_MS = 3_000

function open(t: Test, options: Partial<ThreadsOptions> = {}) {
  const defaults = {
    entry: resolve('dist/codec/job.js'),
    module: built,
    limits,
    count: 2,
    limitMs: 20_000,
  }
  const threads = openThreads({ ...defaults, ...options })
  t.teardown(() => threads.close())
  const run = (input: AsyncIterable<Uint8Array>) => buffer(threads.swap(input))
  return { threads, run }
}

/** The bytes with a pause in the middle. */
async function* paused(bytes: Buffer) {
  yield bytes.subarray(0, 5_000)
  await delay(2 * LIMIT_MS)
  yield bytes.subarray(5_000)
}

t.test('threads make what the event loop makes, more swaps at once than there are threads', async t => {
  const { run } = open(t)
  const pictures = Array.from({ length: 3 }, () => [tiny, rgba, rgb]).flat()
  const results = await Promise.all(pictures.map(picture => run(inPieces(picture, 9_000))))
  for (const [at, picture] of pictures.entries())
    t.ok(results[at]?.equals(await swap(picture)), `swap ${at}, of ${picture.length} bytes`)
})

t.test('a refusal crosses the thread with its code and its words, and the thread goes on', async t => {
  const { run } = open(t, { count: 1 })
  await t.rejects(run(inPieces(rgba.subarray(0, -20))), { name: 'PngError', code: 'broken' })
  await t.rejects(run(inPieces(Buffer.from('GIF89a'))), { code: 'not-a-png', message: /signature/ })
  t.ok((await run(inPieces(rgba))).equals(await swap(rgba)))
})

t.test('an error of the input comes through as it is', async t => {
  const { run } = open(t, { count: 1 })
  const failure = new Error('the disk is on fire')
  async function* failing() {
    yield rgb.subarray(0, 10_000)
    throw failure
  }
  t.equal(await run(failing()).catch(error => error), failure)
  t.ok((await run(inPieces(rgba))).equals(await swap(rgba)))
})

t.test('who leaves early frees the thread, and closes the input', async t => {
  const { threads, run } = open(t, { count: 1 })
  let isClosed = false
  async function* watched() {
    try {
      yield* inPieces(rgb, 20_000)
    } finally {
      isClosed = true
    }
  }
  for await (const _ of threads.swap(watched())) break
  t.ok(isClosed)
  t.ok((await run(inPieces(rgba))).equals(await swap(rgba)))
})

t.test('a module that hangs is ended, costs nobody else, and another thread takes its place', async t => {
  const { run } = open(t, { module: await hungModule(), count: 1, limitMs: LIMIT_MS })
  await t.rejects(run(inPieces(rgba)), SwapTimeout)
  await t.rejects(run(inPieces(rgba)), { message: 'the swap took more than 3 s' })
  await t.rejects(run(inPieces(rgb)), PngError)
})

t.test('waiting for input, or for who takes the output, is not work', async t => {
  const { threads, run } = open(t, { limitMs: LIMIT_MS })
  t.ok((await run(paused(rgba))).equals(await swap(rgba)))
  const pieces: Buffer[] = []
  for await (const piece of threads.swap(inPieces(rgb))) {
    pieces.push(piece)
    if (pieces.length === 1) await delay(2 * LIMIT_MS)
  }
  t.ok(Buffer.concat(pieces).equals(await swap(rgb)))
})

t.test('who takes nothing of the output has the thread wait, and is read no further', async t => {
  const { threads } = open(t, { count: 1, limits: { maxPixels: 3e6, maxBytes: 1e8 } })
  // Noise: as long when it is swapped as before.
  const noise = encodePng({ width: 2_000, height: 1_500, colourType: 2, bitDepth: 16, seed: 4 })
  let given = 0
  async function* counted() {
    for await (const piece of inPieces(noise, 100_000)) {
      given += piece.length
      yield piece
    }
  }
  const swapped = threads.swap(counted())[Symbol.asyncIterator]()
  await swapped.next()
  let before: number
  do {
    before = given
    await delay(500)
  } while (given > before)
  t.ok(given < noise.length / 2, `${given} of ${noise.length} bytes`)
  await swapped.return?.(undefined)
})

t.test('closing ends swaps under way', async t => {
  const { threads, run } = open(t)
  const underWay = t.rejects(run(paused(rgb)), { message: 'the threads are closed' })
  await delay(100)
  await threads.close()
  await underWay
  await t.rejects(run(inPieces(rgba)), { message: 'the threads are closed' })
})
