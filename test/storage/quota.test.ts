import { appendFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { readdir, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t from 'tap'
import type { StorageEngine } from '../../storage/engine.ts'
import { openLedger } from '../../storage/engines/ledger.ts'
import { SEAL_BYTES } from '../../storage/engines/seal.ts'
import { createRandom } from '../images/random.ts'
import { waitFor } from '../system/waiting.ts'
import { anyImage, bytesOf, openFiles, streamOf } from './images.ts'

/** Bytes of an image in these tests, and of its file. */
const IMAGE = 1_000
const FILE = IMAGE + SEAL_BYTES
const full = { code: 'disk-full', message: /quota/ }
const upload = (id: number) => ({ id, state: 'working' }) as const
const one = () => ({ data: bytesOf(IMAGE) })

const counted = (engine: StorageEngine) => waitFor('counted', () => engine.usage().isCounted)
const left = (path: string) => readdir(join(path, 'incoming'))

t.test('uploads are taken up to the last byte of the quota, and not one byte further', async t => {
  const { engine, path } = await openFiles(t, { quotaBytes: 3 * FILE })
  for (const id of [1, 2]) await engine.put(upload(id), one(), anyImage)
  for (const body of [{ data: bytesOf(IMAGE + 1) }, streamOf(bytesOf(IMAGE + 1), 100)])
    await t.rejects(engine.put(upload(3), body, anyImage), full)
  t.same(await left(path), [])
  t.equal(engine.usage().bytes, 2 * FILE)
  await engine.put(upload(3), streamOf(bytesOf(IMAGE), 100), anyImage)
  t.equal(engine.usage().bytes, 3 * FILE)
  for (const body of [{ data: Buffer.from('x') }, streamOf(Buffer.from('x'))])
    await t.rejects(engine.put(upload(4), body, anyImage), full)
  t.equal(await engine.get(upload(4)), undefined)
})

t.test(
  'an upload that announces too much, or whose sender says so, is refused before it is read',
  async t => {
    const { engine } = await openFiles(t, { quotaBytes: FILE })
    const saying = { ...anyImage, saidBytes: IMAGE + 1 }
    for (const [length, options] of [
      [IMAGE + 1, anyImage],
      [undefined, saying],
    ] as const) {
      let isRead = false
      const data = new Readable({
        read() {
          isRead = true
        },
      })
      await t.rejects(engine.put(upload(1), { data, length }, options), full)
      t.equal(isRead, false)
      t.ok(data.destroyed)
    }
  },
)

t.test('a result is taken however full it is, and counts', async t => {
  const { engine } = await openFiles(t, { quotaBytes: 2 * FILE })
  await engine.put(upload(1), one(), anyImage)
  for (const attempt of [undefined, 1, 2])
    await engine.put({ id: 1, state: 'finished', attempt }, one(), anyImage)
  t.equal(engine.usage().bytes, 4 * FILE)
  await t.rejects(engine.put(upload(2), one(), anyImage), full)
})

t.test('what is deleted makes room at once, what is replaced only for itself', async t => {
  const { engine } = await openFiles(t, { quotaBytes: 2 * FILE })
  // A count that begins behind a removal and ends before that is noted has it twice, until the next count.
  await counted(engine)
  await engine.put(upload(1), one(), anyImage)
  await engine.put({ id: 1, state: 'finished', attempt: 1 }, one(), anyImage)
  await t.rejects(engine.put(upload(2), one(), anyImage), full)
  for (let i = 0; i < 2; i++) await engine.remove({ id: 1, state: 'finished' })
  t.equal(engine.usage().bytes, FILE)
  await engine.put(upload(1), { data: bytesOf(100) }, anyImage)
  t.equal(engine.usage().bytes, 100 + SEAL_BYTES)
  await engine.put({ id: 1, state: 'finished', attempt: 1 }, { data: Buffer.from('x') }, anyImage)
  await engine.put({ id: 1, state: 'finished', attempt: 1 }, { data: Buffer.from('x') }, anyImage)
  t.equal(engine.usage().bytes, 101 + 2 * SEAL_BYTES)
})

t.test('a hundred uploads at once do not overrun it, announced or not', async t => {
  for (const isAnnounced of [true, false]) {
    const { engine, path } = await openFiles(t, { path: t.testdir(), quotaBytes: 30 * FILE + 100 })
    const bodyOf = () => ({ ...streamOf(bytesOf(IMAGE), 100), ...(isAnnounced && { length: IMAGE }) })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 100 }, (_, id) => engine.put(upload(id), bodyOf(), anyImage)),
    )
    const taken = outcomes.filter(({ status }) => status === 'fulfilled').length
    t.ok(taken <= 30, `${taken} are taken`)
    // Those of unknown length may all meet in the middle of their way.
    if (isAnnounced) t.equal(taken, 30)
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.match(outcome.reason, full)
    t.equal(engine.usage().bytes, taken * FILE, 'what was refused holds no room')
    t.same(await left(path), [])
  }
})

t.test('an upload that fails gives its room back', async t => {
  const { engine } = await openFiles(t, { quotaBytes: 2 * FILE })
  await engine.put(upload(1), one(), anyImage)
  await t.rejects(engine.put(upload(1), one(), { ...anyImage, isNew: true }), { code: 'conflict' })
  await t.rejects(engine.put(upload(2), one(), { ...anyImage, maxBytes: 999 }), { code: 'too-large' })
  await t.rejects(engine.put(upload(2), streamOf(Buffer.alloc(0)), anyImage), { code: 'bad-request' })
  const broken = new Readable({ read() {} })
  broken.push(bytesOf(500))
  const refused = t.rejects(engine.put(upload(2), { data: broken, length: IMAGE }, anyImage))
  await waitFor('its room is taken', () => engine.usage().bytes === 2 * FILE)
  broken.destroy(new Error('gone'))
  await refused
  t.equal(engine.usage().bytes, FILE)
})

t.test('after a restart what lies there counts again', async t => {
  const { engine, path } = await openFiles(t)
  for (const id of [1, 2, 30]) await engine.put(upload(id), one(), anyImage)
  await engine.put({ id: 2, state: 'finished', attempt: 1 }, one(), anyImage)
  await engine.close()
  const { engine: next } = await openFiles(t, { path, quotaBytes: 4 * FILE })
  await counted(next)
  const { freeBytes, ...usage } = next.usage()
  t.same(usage, { bytes: 4 * FILE, quotaBytes: 4 * FILE, isCounted: true })
  t.ok(freeBytes > 0)
  await t.rejects(next.put(upload(3), one(), anyImage), full)
})

t.test('a start does not wait for the count, and takes uploads meanwhile', async t => {
  const { engine, path } = await openFiles(t)
  await engine.put(upload(1), one(), anyImage)
  await engine.close()
  const { engine: next } = await openFiles(t, { path, quotaBytes: 3 * FILE })
  t.equal(next.usage().isCounted, false)
  await next.put(upload(2), one(), anyImage)
  await counted(next)
  t.equal(next.usage().bytes, 2 * FILE)
})

t.test('of two processes over one folder each finds out what the other did', async t => {
  const options = { path: t.testdir(), quotaBytes: 3 * FILE, countEveryMs: 20 }
  const { engine: here } = await openFiles(t, options)
  const { engine: there } = await openFiles(t, options)
  for (const id of [1, 2, 3]) await here.put(upload(id), one(), anyImage)
  await waitFor('seen there', () => there.usage().bytes === 3 * FILE)
  await t.rejects(there.put(upload(4), one(), anyImage), full)
  await here.remove(upload(1))
  await waitFor('seen there', () => there.usage().bytes === 2 * FILE)
  await there.put(upload(4), one(), anyImage)
})

t.test('what comes and goes while it is counted is neither missed nor counted twice', async t => {
  const random = createRandom('storage/quota')
  const { engine, path } = await openFiles(t)
  const lengths = new Map<number, number>()
  const fill = async (to: StorageEngine, id: number) => {
    const length = 1 + random.below(500)
    lengths.set(id, length)
    await to.put(upload(id), { data: bytesOf(length) }, anyImage)
  }
  // All in one folder, so that it takes long.
  for (let id = 1_000; id < 1_300; id++) await fill(engine, id)
  await engine.close()

  const { engine: next } = await openFiles(t, { path, countEveryMs: 1e9 })
  let changes = 0
  const change = async (lane: number) => {
    while (!next.usage().isCounted) {
      const id = 1_000 + lane + 8 * random.below(50)
      changes += 1
      if (random.below(2) === 0) await fill(next, id)
      else {
        lengths.delete(id)
        await next.remove(upload(id))
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, lane) => change(lane)))
  t.ok(changes > 8, `${changes} changes while it was counted`)
  const expected = [...lengths.values()].reduce((sum, length) => sum + length + SEAL_BYTES, 0)
  t.equal(next.usage().bytes, expected)
})

t.test('what is put there or taken away by hand shows at the next count', async t => {
  const { engine, path } = await openFiles(t, { countEveryMs: 0 })
  await engine.put(upload(1), one(), anyImage)
  await writeFile(join(path, 'working/9/999'), bytesOf(77))
  await waitFor('counted', () => engine.usage().bytes === FILE + 77)
  await unlink(join(path, 'working/1/1'))
  await waitFor('counted', () => engine.usage().bytes === 77)
})

t.test('files are asked for their sizes again where names have come or gone', async t => {
  const path = t.testdir({ watched: { first: 'abc', second: 'de' }, other: {} })
  const inWatched = (name: string) => join(path, 'watched', name)
  const folders = [join(path, 'watched'), join(path, 'other')]
  const ledger = openLedger({ folders, quotaBytes: 0, countEveryMs: 0, sizesEveryMs: 1e9 })
  t.teardown(() => ledger.close())
  let bytes = 5
  const added = (count: number) => {
    bytes += count
    return waitFor(`${bytes} bytes`, () => ledger.bytes() === bytes)
  }
  await added(0)
  // At once with what is noted of it, so that no count comes in between.
  writeFileSync(inWatched('third'), 'fghi')
  ledger.note(inWatched('third'), 0, 4)
  unlinkSync(inWatched('second'))
  ledger.note(inWatched('second'), 2, 0)
  bytes += 2
  appendFileSync(inWatched('first'), 'xyz')
  // The second one is seen by a count that begins now, and looks at the other folder last.
  for (const name of ['a', 'b']) {
    writeFileSync(join(path, 'other', name), 'x')
    await added(1)
  }
  writeFileSync(inWatched('fourth'), 'jk')
  await added(5)
  // As many as before.
  unlinkSync(inWatched('fourth'))
  writeFileSync(inWatched('fifth'), 'lmn')
  await added(1)
})

t.test('and once an hour anyway', async t => {
  const folder = t.testdir({ first: 'abc' })
  const ledger = openLedger({ folders: [folder], quotaBytes: 0, countEveryMs: 0, sizesEveryMs: 0 })
  t.teardown(() => ledger.close())
  await waitFor('counted', () => ledger.isCounted())
  appendFileSync(join(folder, 'first'), 'xyz')
  await waitFor('counted', () => ledger.bytes() === 6)
})

t.test('without a quota there is none', async t => {
  const { engine } = await openFiles(t, { quotaBytes: 0 })
  for (const id of [1, 2, 3]) await engine.put(upload(id), one(), anyImage)
  t.match(engine.usage(), { bytes: 3 * FILE, quotaBytes: 0 })
})
