import t from 'tap'
import type { Header } from '../../codec/header.ts'
import { silent } from '../../kit/log.ts'
import { createOpinion } from '../../worker/opinion.ts'
import { chunk, encodePng } from '../images/encode.ts'
import { uniqueImage } from '../images/noise.ts'
import { exchange } from '../oracle/exchange.ts'
import { openStage } from '../stage.ts'

const rgba: Header = { width: 64, height: 64, bitDepth: 8, colourType: 6, interlaced: false }
const body = (data: Buffer) => ({ body: { data, length: data.length } })

/** What sharp says of an upload and its result; `share` of such results it is asked about. */
async function ask(
  t: Parameters<typeof openStage>[0],
  upload: Buffer,
  result: Buffer,
  header = rgba,
  share = 1,
) {
  const { storage } = await openStage(t)
  await storage.ask.sendImage({ id: 5, state: 'working' }, body(upload))
  await storage.ask.sendImage({ id: 5, state: 'finished', attempt: 1 }, body(result))
  const said: string[] = []
  const log = Object.assign(Object.create(silent), {
    error: (facts: { id: number }, line: string) => said.push(`${facts.id}: ${line}`),
  })
  const opinion = createOpinion({ storage, witness: 'dist/worker/witness.js', share, log })
  opinion.consider({ id: 5, state: 1, attempt: 1 }, header)
  await opinion.idle()
  await opinion.close()
  return { counts: opinion.counts(), said }
}

t.test('sharp agrees with a right result, whatever its chunks say about colours', async t => {
  const gamma = Buffer.from([0, 0, 0x20, 0])
  const before = [chunk('gAMA', gamma)]
  const upload = encodePng({ width: 64, height: 64, colourType: 6, bitDepth: 8, seed: 3, before })
  t.same((await ask(t, upload, exchange(upload))).counts, {
    asked: 1,
    agreed: 1,
    mismatched: 0,
    unanswered: 0,
  })
})

t.test('a result with other pixels is counted, and logged with its id', async t => {
  const upload = uniqueImage(1)
  const { counts, said } = await ask(t, upload, upload)
  t.same(counts, { asked: 1, agreed: 0, mismatched: 1, unanswered: 0 })
  t.match(said, [/^5: /])
})

t.test('what sharp cannot read is no mismatch', async t => {
  const upload = uniqueImage(1)
  const cut = upload.subarray(0, upload.length - 40)
  t.same((await ask(t, upload, cut)).counts, { asked: 1, agreed: 0, mismatched: 0, unanswered: 1 })
})

t.test(
  'nothing is asked about types it does not read exactly, large pictures, and beyond the share',
  async t => {
    const upload = uniqueImage(1)
    const none = { asked: 0, agreed: 0, mismatched: 0, unanswered: 0 }
    t.same((await ask(t, upload, upload, { ...rgba, bitDepth: 16 })).counts, none)
    t.same((await ask(t, upload, upload, { ...rgba, colourType: 3 })).counts, none)
    t.same((await ask(t, upload, upload, { ...rgba, width: 4_001, height: 4_000 })).counts, none)
    t.same((await ask(t, upload, upload, rgba, 0)).counts, none)
  },
)
