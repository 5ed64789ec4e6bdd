import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import t from 'tap'
import { PngError, swap } from 'verdigris/codec'
import { encodePng } from '../images/encode.ts'
import { differences } from '../oracle/compare.ts'

const image = encodePng({ width: 300, height: 200, colourType: 6, bitDepth: 16, seed: 1 })

t.test('the package swaps a whole file', async t => {
  t.same(differences(image, await swap(image)), [])
  t.same(differences(image, await swap(new Uint8Array(image))), [])
})

t.test('the package swaps a stream', async t => {
  const result = swap(Readable.from([image.subarray(0, 1_000), image.subarray(1_000)]))
  t.ok(result instanceof Readable)
  t.same(differences(image, await buffer(result)), [])
})

t.test('what is wrong with a file is said in a PngError, and limits can be set', async t => {
  await t.rejects(
    swap(Buffer.from('GIF89a')),
    new PngError('not-a-png', 'this is not a PNG: the file does not begin with the PNG signature'),
  )
  await t.rejects(swap(image.subarray(0, -3)), { code: 'broken' })
  await t.rejects(swap(image, { maxPixels: 59_999 }), { code: 'too-large' })
  await t.rejects(buffer(swap(Readable.from([image]), { maxBytes: 1_000 })), { code: 'too-large' })
})
