import { deflateSync } from 'node:zlib'
import t from 'tap'
import { essentialChunks } from '../../codec/strip.ts'
import { chunkOf, png, rowsOf } from './build.ts'

const idat = chunkOf('IDAT', deflateSync(rowsOf(2, 6)))
const extra = ['gAMA', 'iCCP', 'tRNS', 'eXIf'].map(type => chunkOf(type, Buffer.from('abcdef')))
const palette = chunkOf('PLTE', Buffer.from([1, 2, 3]))

t.test('only the critical chunks are left', async t => {
  const shape = { width: 2, height: 2 }
  const file = Buffer.concat([png(shape, ...extra, palette, idat, idat, ...extra), Buffer.from('rest')])
  t.same(essentialChunks(file), png(shape, palette, idat, idat))
})

t.test('what is no PNG, or has no end, is refused', async t => {
  const file = png({ width: 2, height: 2 }, idat)
  t.throws(() => essentialChunks(Buffer.from('GIF89a')), { code: 'not-a-png' })
  t.throws(() => essentialChunks(file.subarray(0, -1)), { code: 'broken' })
})
