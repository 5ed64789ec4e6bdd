import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { openSwapper } from '../../codec/swapper.ts'
import { encodePng } from '../images/encode.ts'
import { inPieces, LIMITS, swap } from './build.ts'

/** What is used of the engine's WebAssembly; TypeScript has its types among those of browsers alone. */
declare const WebAssembly: { Instance: new (module: object) => { readonly exports: unknown } }

const { recoder: _, ...limits } = LIMITS
const folder = resolve('dist/codec')
const small = encodePng({ width: 64, height: 64, colourType: 6, bitDepth: 8, seed: 1 })
const large = encodePng({ width: 500, height: 400, colourType: 2, bitDepth: 16, seed: 2 })

t.test('small and large images are swapped, wherever that is done', async t => {
  const swapper = openSwapper({ ...limits, threads: 2, limitMs: 20_000, folder })
  t.teardown(() => swapper.close())
  t.ok(swapper.hasModule)
  for (const image of [small, large]) {
    for (const size of [100, 65_536, 1_000_000]) {
      const result = await buffer(swapper.swap(inPieces(image, size)))
      t.same(await swap(result), await swap(await swap(image)), `${image.length} bytes in pieces of ${size}`)
    }
  }
})

t.test('of small images that come at once each is swapped in the memory of the one before', async t => {
  const { Instance } = WebAssembly
  let made = 0
  t.teardown(() => {
    WebAssembly.Instance = Instance
  })
  WebAssembly.Instance = class extends Instance {
    constructor(module: object) {
      super(module)
      made += 1
    }
  }
  const swapper = openSwapper({ ...limits, threads: 1, limitMs: 20_000, folder })
  t.teardown(() => swapper.close())
  const expected = await swap(small)
  made = 0
  const broken = buffer(swapper.swap(inPieces(small.subarray(0, -5), 1_000))).catch(() => undefined)
  const results = Array.from({ length: 16 }, () => buffer(swapper.swap(inPieces(small, 1_000))))
  for (const result of results) t.ok((await result).equals(expected))
  t.equal(await broken, undefined)
  t.equal(made, 1)
})

t.test('refusals are the same wherever the swap is done, and close the input', async t => {
  const swapper = openSwapper({ ...limits, threads: 1, limitMs: 20_000, folder })
  t.teardown(() => swapper.close())
  let closed = 0
  async function* watched(bytes: Buffer) {
    try {
      yield* inPieces(bytes, 1_000)
    } finally {
      closed += 1
    }
  }
  const refused = (bytes: Buffer, code: string) =>
    t.rejects(buffer(swapper.swap(watched(bytes))), { name: 'PngError', code })
  await refused(Buffer.alloc(0), 'not-a-png')
  await refused(Buffer.from('GIF89a'), 'not-a-png')
  await refused(small.subarray(0, 20), 'broken')
  await refused(small.subarray(0, -5), 'broken')
  await refused(large.subarray(0, -5), 'broken')
  await refused(encodePng({ width: 1_200, height: 1_000, colourType: 2, bitDepth: 8, seed: 1 }), 'too-large')
  t.equal(closed, 6)
})

t.test('without SIMD node:zlib swaps, in threads as well', async t => {
  const program = `
    import { buffer } from 'node:stream/consumers'
    import { openSwapper } from './dist/codec/swapper.js'
    const limits = { maxPixels: 1e6, maxBytes: 1e7, threads: 1, limitMs: 20000, folder: process.cwd() + '/dist/codec' }
    const swapper = openSwapper(limits)
    const result = await buffer(swapper.swap(process.stdin))
    process.stdout.write(JSON.stringify({ hasModule: swapper.hasModule, result: result.toString('base64') }))
    await swapper.close()`
  for (const image of [small, large]) {
    // Without this instruction set the engine has no SIMD to offer.
    const args = ['--no-enable-sse4-1', '--input-type=module', '--eval', program]
    const { stdout, stderr } = spawnSync(process.execPath, args, { input: image, maxBuffer: 1e8 })
    t.equal(stderr.toString(), '')
    const { hasModule, result } = JSON.parse(stdout.toString())
    if (process.arch === 'x64') t.notOk(hasModule)
    t.same(await swap(Buffer.from(result, 'base64')), await swap(await swap(image)))
  }
})
