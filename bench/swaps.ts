import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { inflateSync } from 'node:zlib'
import { imageData } from '../codec/strip.ts'
import { swapRedGreen } from '../codec/swap.ts'
import { createRecoder, loadModule } from '../codec/wasm.ts'
import { encodePng } from '../test/images/encode.ts'
import { corpus, hasCorpus } from '../test/system/corpus.ts'

/** Swaps one picture as often as its argument says, for `instructions.bench.ts`. */
const recoder = createRecoder(loadModule(join(import.meta.dirname, '../codec/codec.wasm')))
const file = (hasCorpus ? corpus('kodak')[3]?.bytes : undefined) ?? smooth()
for (let left = Number(process.argv[2]); left > 0; left -= 1)
  await buffer(swapRedGreen(once(file), { recoder, maxPixels: 1e8, maxBytes: 1e8 }))
console.log(`rows ${inflateSync(imageData(file)).length}`)

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

function smooth(): Buffer {
  const samples = Uint8Array.from(
    { length: 768 * 512 * 3 },
    (_, at) => 128 + 100 * Math.sin(at / 97) + (at % 7),
  )
  return encodePng({ width: 768, height: 512, colourType: 2, bitDepth: 8, samples, filter: 'mixed' })
}
