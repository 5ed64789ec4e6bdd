import t from 'tap'
import type { Header } from '../../codec/header.ts'
import { silent } from '../../kit/log.ts'
import { createOpinion } from '../../worker/opinion.ts'
import { chunk, encodePng } from '../images/encode.ts'
import { uniqueImage } from '../images/noise.ts'
import { exchange } from '../oracle/exchange.ts'
import { openStage } from '../stage.ts'

const rgba: Header = { width: 64, height: 64, bitDepth: 8, colourType: 6, interlaced: false }
const none = { asked: 0, agreed: 0, overruled: 0, mismatched: 0, unanswered: 0 }
const body = (data: Buffer) => ({ body: { data, length: data.length } })

/** What sharp says of an upload and its result; `share` of such results it is asked about. */
async function ask(
  t: Parameters<typeof openStage>[0],
  upload: Buffer,
  result: Buffer,
  header = rgba,
  share = 1,
  witness = 'dist/worker/witness.js',
) {
  const { storage } = await openStage(t)
  await storage.ask.sendImage({ id: 5, state: 'working' }, body(upload))
  await storage.ask.sendImage({ id: 5, state: 'finished', attempt: 1 }, body(result))
  const said: string[] = []
  const log = Object.assign(Object.create(silent), {
    error: (facts: { id: number }, line: string) => said.push(`${facts.id}: ${line}`),
  })
  const opinion = createOpinion({ storage, witness, share, log })
  const isTrusted = await opinion.ask({ id: 5, state: 1, attempt: 1 }, header)
  await opinion.close()
  return { isTrusted, counts: opinion.counts(), said }
}

t.test('sharp agrees with a right result, whatever its chunks say about colours', async t => {
  const gamma = Buffer.from([0, 0, 0x20, 0])
  const before = [chunk('gAMA', gamma)]
  const upload = encodePng({ width: 64, height: 64, colourType: 6, bitDepth: 8, seed: 3, before })
  t.match(await ask(t, upload, exchange(upload)), {
    isTrusted: true,
    counts: { ...none, asked: 1, agreed: 1 },
  })
})

t.test('a result with other pixels is not trusted, but counted and logged with its id', async t => {
  const upload = uniqueImage(1)
  const { isTrusted, counts, said } = await ask(t, upload, upload)
  t.notOk(isTrusted)
  t.same(counts, { ...none, asked: 1, mismatched: 1 })
  t.match(said, [/^5: /])
})

t.test('a result that cannot be read is not trusted', async t => {
  const upload = uniqueImage(1)
  const cut = upload.subarray(0, upload.length - 40)
  t.match(await ask(t, upload, cut), { isTrusted: false, counts: { ...none, asked: 1, mismatched: 1 } })
})

t.test('where sharp errs and both implementations make the same, the result is trusted', async t => {
  const upload = uniqueImage(1)
  t.match(await ask(t, upload, exchange(upload), rgba, 1, 'dist/test/worker/overruling.js'), {
    isTrusted: true,
    counts: { ...none, asked: 1, overruled: 1 },
    said: [],
  })
})

t.test('an upload that sharp cannot read is no question for it', async t => {
  const upload = uniqueImage(1)
  const cut = upload.subarray(0, upload.length - 40)
  t.match(await ask(t, cut, upload), { isTrusted: true, counts: { ...none, asked: 1, unanswered: 1 } })
})

t.test(
  'nothing is asked about types it does not read exactly, large pictures, and beyond the share',
  async t => {
    const upload = uniqueImage(1)
    t.same((await ask(t, upload, upload, { ...rgba, bitDepth: 16 })).counts, none)
    t.same((await ask(t, upload, upload, { ...rgba, colourType: 3 })).counts, none)
    t.same((await ask(t, upload, upload, { ...rgba, width: 4_001, height: 4_000 })).counts, none)
    t.same((await ask(t, upload, upload, rgba, 0)).counts, none)
  },
)
