import { execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import type { Header } from '../../codec/header.ts'
import { openThreads } from '../../codec/threads.ts'
import { loadModule } from '../../codec/wasm.ts'
import { silent } from '../../kit/log.ts'
import { createOpinion } from '../../worker/opinion.ts'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { exchange } from '../oracle/exchange.ts'
import { openStage } from '../stage.ts'

const rgba: Header = { width: 64, height: 64, bitDepth: 8, colourType: 6, interlaced: false }
/** Most files this process may have open, and how many of them are left: enough to read one, not to start a program. */
const MOST = 200
const LEFT = 2

/** Opens files until no more can be opened but a few; gives what closes them. */
function openAll(): () => void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${MOST}:`])
  const open: number[] = []
  try {
    for (;;) open.push(openSync('/dev/null', 'r'))
  } catch {
    for (const file of open.splice(-LEFT)) closeSync(file)
  }
  return () => {
    for (const file of open) closeSync(file)
  }
}

const skip = process.platform !== 'linux' && 'Linux alone has prlimit'

t.test(
  'without a free file descriptor there is no thread, which says so, and one later on',
  { skip },
  async t => {
    const limits = { maxPixels: 1e8, maxBytes: 5e7 }
    const threads = openThreads({
      entry: resolve('dist/codec/job.js'),
      module: loadModule('dist/codec/codec.wasm'),
      limits,
      count: 1,
      limitMs: 60_000,
    })
    t.teardown(() => threads.close())
    const swap = async () => {
      const pieces: Buffer[] = []
      for await (const piece of threads.swap(Readable.from([uniqueImage(1)]))) pieces.push(piece)
      return Buffer.concat(pieces)
    }
    const closeAll = openAll()
    try {
      await t.rejects(swap(), { code: 'ERR_WORKER_INIT_FAILED' })
    } finally {
      closeAll()
    }
    t.same(differences(uniqueImage(1), await swap()), [])
  },
)

t.test('without a free file descriptor there is no second opinion, and no harm', { skip }, async t => {
  const { storage } = await openStage(t)
  const upload = uniqueImage(1)
  const result = exchange(upload)
  await storage.ask.sendImage({ id: 5, state: 'working' }, { body: { data: upload } })
  await storage.ask.sendImage({ id: 5, state: 'finished', attempt: 1 }, { body: { data: result } })
  const opinion = createOpinion({ storage, witness: 'dist/worker/witness.js', share: 1, log: silent })
  t.teardown(() => opinion.close())
  // After a picture that is said to be large no witness stays: each question calls another one.
  const large = { ...rgba, width: 2_000, height: 1_000 }
  const ask = () => opinion.ask({ id: 5, state: 1, attempt: 1 }, large)
  t.ok(await ask())
  const closeAll = openAll()
  t.ok(await ask())
  closeAll()
  t.ok(await ask())
  t.match(opinion.counts(), { asked: 3, agreed: 2, unanswered: 1 })
})
