import t from 'tap'
import { sharp } from '../../worker/decoder.ts'
import { encodePng } from '../images/encode.ts'
import { plain } from '../images/formats.ts'

const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="2" height="2"><rect width="2" height="2"/></svg>'
const gif = 'GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;'

t.test('the witness reads PNGs in memory and nothing else that sharp could read', async t => {
  const { info } = await sharp(encodePng(plain)).raw().toBuffer({ resolveWithObject: true })
  t.match(info, { width: plain.width, height: plain.height })
  for (const [name, bytes] of Object.entries({ svg, gif }))
    await t.rejects(sharp(Buffer.from(bytes, 'latin1')).metadata(), name)
  // What only a writer can make here.
  const image = sharp(encodePng(plain))
  for (const format of ['jpeg', 'webp', 'tiff', 'avif'] as const) {
    const bytes = await image.clone().toFormat(format).toBuffer()
    await t.rejects(sharp(bytes).metadata(), format)
  }
})
