import t from 'tap'
import { isMadeAgain } from '../../worker/remake.ts'
import { encodePng } from '../images/encode.ts'
import { exchange } from '../oracle/exchange.ts'

const picture = { width: 30, height: 20, colourType: 6, bitDepth: 8 } as const
const upload = encodePng({ ...picture, seed: 7 })
const result = exchange(upload)

t.test('node:zlib makes the same of an upload, however the result is compressed', async t => {
  t.ok(await isMadeAgain(upload, result))
  t.ok(await isMadeAgain(result, upload))
})

t.test('other pixels, another header, and what cannot be read are not the same', async t => {
  t.notOk(await isMadeAgain(upload, upload))
  const other = Buffer.from(result)
  other[28] = 1
  t.notOk(await isMadeAgain(upload, other), 'said to be interlaced')
  t.notOk(await isMadeAgain(upload, result.subarray(0, result.length - 30)))
  const damaged = Buffer.from(result)
  damaged.fill(0, 60, 80)
  t.notOk(await isMadeAgain(upload, damaged))
})
