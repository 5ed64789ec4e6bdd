import { createHash } from 'node:crypto'
import { appendFile, readdir, readFile, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { discard } from '../../kit/body.ts'
import type { StorageEngine } from '../../storage/engine.ts'
import { createIncoming } from '../../storage/engines/incoming.ts'
import { SEAL_BYTES } from '../../storage/engines/seal.ts'
import { openShelves } from '../../storage/engines/shelves.ts'
import { createRandom } from '../images/random.ts'
import { waitFor } from '../system/waiting.ts'
import { anyImage, bytesOf, contentOf, LARGE_BYTES, openFiles, readAll, streamOf } from './images.ts'

const upload = { id: 72, state: 'working' } as const
const result = { id: 72, state: 'finished', attempt: 3 } as const
const corrupt = { code: 'internal', message: /corrupt/ }
const random = createRandom('storage/files')

t.test('a file begins with the image, so that whatever shows images shows it', async t => {
  const { engine, path } = await openFiles(t)
  const bytes = bytesOf(1_000)
  await engine.put(upload, { data: bytes }, anyImage)
  await engine.put(result, streamOf(bytes), anyImage)
  for (const name of ['working/7/72', 'finished/7/72.3']) {
    const file = await readFile(join(path, name))
    t.equal(file.length, bytes.length + SEAL_BYTES)
    t.ok(file.subarray(0, bytes.length).equals(bytes))
    const sha256 = createHash('sha256').update(bytes).digest()
    t.ok(file.subarray(bytes.length).includes(sha256))
  }
})

t.test('one flipped bit anywhere in a file is found, and nothing of it is served', async t => {
  const { engine, path } = await openFiles(t)
  const file = join(path, 'working/7/72')
  let flips = 0
  for (const length of [1, 5_000, LARGE_BYTES]) {
    await engine.put(upload, { data: bytesOf(length) }, anyImage)
    const whole = await readFile(file)
    for (let i = 0; i < 30; i++) {
      const at = i < 10 ? length + random.below(SEAL_BYTES) : random.below(length)
      const flipped = Buffer.from(whole)
      flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.below(8)), at)
      await writeFile(file, flipped)
      await t.rejects(engine.get(upload), corrupt, `byte ${at} of ${length}`)
      t.equal(engine.corruptCount(), ++flips)
      await writeFile(file, whole)
      t.ok((await readAll(engine, upload))?.equals(whole.subarray(0, length)))
    }
  }
})

t.test('a file cut short or with bytes appended is found', async t => {
  const { engine, path } = await openFiles(t)
  const file = join(path, 'working/7/72')
  for (const length of [1, 5_000, LARGE_BYTES]) {
    const cuts = [0, 1, SEAL_BYTES - 1, SEAL_BYTES, length, length + 1, length + SEAL_BYTES - 1]
    for (const cut of [...cuts, random.below(length)]) {
      await engine.put(upload, { data: bytesOf(length) }, anyImage)
      await truncate(file, cut)
      await t.rejects(engine.get(upload), corrupt, `${cut} of ${length}`)
    }
    for (const more of [1, SEAL_BYTES, 5_000]) {
      await engine.put(upload, { data: bytesOf(length) }, anyImage)
      await appendFile(file, bytesOf(more))
      await t.rejects(engine.get(upload), corrupt, `${more} more than ${length}`)
    }
  }
})

t.test('a file is verified at each read, also one that was good a moment ago', async t => {
  const { engine, path } = await openFiles(t)
  const bytes = bytesOf(5_000)
  const file = join(path, 'working/7/72')
  await engine.put(upload, { data: bytes }, anyImage)
  const { atime, mtime } = await stat(file)
  t.ok(await engine.get(upload))
  const flipped = await readFile(file)
  flipped.writeUInt8(flipped.readUInt8(0) ^ 1, 0)
  await writeFile(file, flipped)
  await utimes(file, atime, mtime)
  await t.rejects(engine.get(upload), corrupt)
})

t.test('a corrupt result is replaced by the next that its attempt sends, a good one never', async t => {
  const { engine, path } = await openFiles(t)
  await engine.put(result, { data: Buffer.from('first') }, anyImage)
  await truncate(join(path, 'finished/7/72.3'), 3)
  await engine.put(result, { data: Buffer.from('again') }, anyImage)
  t.same(await readAll(engine, result), Buffer.from('again'))
  await t.rejects(engine.put(result, { data: Buffer.from('other') }, anyImage), { code: 'conflict' })
})

t.test('no temporary file is left by a success, a refusal or a sender that breaks off', async t => {
  const { engine, path } = await openFiles(t)
  const left = () => readdir(join(path, 'incoming'))
  await engine.put(upload, streamOf(bytesOf(100_000)), anyImage)
  await engine.put(result, streamOf(bytesOf(100_000)), anyImage)
  await t.rejects(engine.put(result, streamOf(bytesOf(10)), anyImage))
  await t.rejects(engine.put(upload, streamOf(bytesOf(10)), { maxBytes: 9, isNew: false }))
  await t.rejects(engine.put(upload, streamOf(bytesOf(10)), { maxBytes: 10, isNew: true }))
  t.same(await left(), [])

  const body = new Readable({ read() {} })
  body.push(bytesOf(300_000))
  const sending = engine.put({ id: 8, state: 'working' }, { data: body }, anyImage)
  const refused = t.rejects(sending, { message: 'gone' })
  while ((await sizesOf(join(path, 'incoming')))[0] !== 300_000) await new Promise(setImmediate)
  t.equal(await engine.get({ id: 8, state: 'working' }), undefined)
  body.destroy(new Error('gone'))
  await refused
  t.same(await left(), [])
})

t.test('a file that comes slowly is written as it comes', async t => {
  const { engine, path } = await openFiles(t)
  const body = new Readable({ read() {} })
  const sending = engine.put({ id: 8, state: 'working' }, { data: body }, anyImage)
  body.push('first')
  await delay(1_100)
  body.push('second')
  await waitFor('both are in the file', async () => (await sizesOf(join(path, 'incoming')))[0] === 11)
  body.push(null)
  await sending
  t.same(await readAll(engine, { id: 8, state: 'working' }), Buffer.from('firstsecond'))
})

t.test('a temporary file that nobody touches is swept at the start, a younger one is left alone', async t => {
  const path = t.testdir({ incoming: { old: 'x', young: 'x' } })
  const then = new Date(Date.now() - 61_000)
  await utimes(join(path, 'incoming/old'), then, then)
  await openFiles(t, { path })
  t.same(await readdir(join(path, 'incoming')), ['young'])
})

t.test('a process never sweeps what it is writing itself, whatever the clock says', async t => {
  const options = { path: t.testdir(), abandonedMs: -3_600_000, fatal: () => {} }
  const incoming = createIncoming(options)
  const body = new Readable({ read() {} })
  body.push(bytesOf(100))
  const receiving = incoming.receive({ data: body }, { maxBytes: 100 })
  while ((await readdir(options.path)).length === 0) await new Promise(setImmediate)
  await incoming.sweep()
  t.equal((await readdir(options.path)).length, 1)
  body.push(null)
  await (await receiving).discard()
  t.same(await readdir(options.path), [])
  await writeFile(join(options.path, 'of another'), '')
  await incoming.sweep()
  t.same(await readdir(options.path), [])
})

t.test('files that are none of ours are not listed', async t => {
  const { engine, path } = await openFiles(t)
  await engine.put(upload, { data: Buffer.from('x') }, anyImage)
  await engine.put(result, { data: Buffer.from('x') }, anyImage)
  for (const name of ['7.png', '72.3', '-7', '.7']) await writeFile(join(path, 'working/7', name), '')
  for (const name of ['7.png', '72', '72.x', '.72.3']) await writeFile(join(path, 'finished/7', name), '')
  const all = { olderThanMs: 0, after: '', limit: 100 }
  t.match(await engine.list({ ...all, state: 'working' }), [{ name: '72' }])
  t.match(await engine.list({ ...all, state: 'finished' }), [{ name: '72.3' }])
  t.same(await readAll(engine, { id: 72, state: 'finished' }), Buffer.from('x'))
})

t.test('a list goes on behind more names than it looks at at once', async t => {
  const { engine, path } = await openFiles(t)
  const names = Array.from({ length: 2_500 }, (_, i) => `${100_000 + i}`)
  const inOrder = [...names].sort(() => random.below(3) - 1)
  for (let at = 0; at < names.length; at += 100)
    await Promise.all(inOrder.slice(at, at + 100).map(name => writeFile(join(path, 'working/1', name), '')))
  const then = new Date(Date.now() - 3_600_000)
  await utimes(join(path, 'working/1/102499'), then, then)
  const rest = await engine.list({ state: 'working', olderThanMs: 0, after: '100999', limit: 1_000 })
  t.same(
    rest.map(({ name }) => name),
    names.slice(1_000, 2_000),
  )
  const old = await engine.list({ state: 'working', olderThanMs: 3_000_000, after: '', limit: 1_000 })
  t.match(old, [{ id: 102_499 }])
})

t.test('of two engines over one folder exactly one makes an image, and both read it', async t => {
  const { engine: one, path } = await openFiles(t)
  const { engine: other } = await openFiles(t, { path })
  for (let id = 1; id <= 20; id++) {
    const image = { id, state: 'working' } as const
    const bodies = [bytesOf(100), bytesOf(100)]
    const outcomes = await Promise.allSettled(
      [one, other].map((engine, i) =>
        engine.put(image, { data: bodies[i] as Buffer }, { ...anyImage, isNew: true }),
      ),
    )
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const engine of [one, other])
      t.ok((await readAll(engine, image))?.equals(bodies[winner] ?? Buffer.alloc(0)))
  }
})

t.test('an image that is read, let go or corrupt leaves no open file', async t => {
  const { engine, path } = await openFiles(t)
  // Counting opens folders.
  while (!engine.usage().isCounted) await new Promise(setImmediate)
  for (const length of [5_000, LARGE_BYTES]) {
    await engine.put(upload, { data: bytesOf(length) }, anyImage)
    const before = await openFileCount()
    await contentOf(await found(engine))
    discard(await found(engine))
    const { data } = await found(engine)
    if (!Buffer.isBuffer(data)) for await (const _ of data) break
    await truncate(join(path, 'working/7/72'), length)
    await t.rejects(engine.get(upload), corrupt)
    const giveUpAt = Date.now() + 5_000
    while ((await openFileCount()) > before && Date.now() < giveUpAt) await new Promise(setImmediate)
    t.equal(await openFileCount(), before)
  }
})

async function found(engine: StorageEngine) {
  const image = await engine.get(upload)
  if (image === undefined) throw new Error('It is not there.')
  return image
}

const openFileCount = async () => (await readdir('/proc/self/fd')).length

async function sizesOf(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  return Promise.all(names.map(async name => (await stat(join(folder, name))).size))
}

t.test('who lists page by page gets every name once, in order, over folders and looks', async t => {
  const path = t.testdir()
  const shelves = await openShelves(
    join(path, 'working'),
    'working',
    error => {
      throw error
    },
    40,
  )
  t.teardown(() => shelves.close())
  const ids = Array.from({ length: 250 }, (_, i) => 1 + i * 7)
  for (const id of ids) await writeFile(shelves.pathOf({ id, state: 'working' }), '')
  const names = ids.map(String).sort()
  const all = { olderThanMs: 0, limit: 30, state: 'working' } as const
  const listed: string[] = []
  for (let after = ''; ; after = listed.at(-1) ?? '') {
    const page = await shelves.list({ ...all, after })
    // Another reader, and one who begins anew, come between.
    if (listed.length === 60) {
      const [other, first] = await Promise.all([
        shelves.list({ ...all, after: names[200] ?? '' }),
        shelves.list({ ...all, after: '' }),
      ])
      t.same(
        other.map(({ name }) => name),
        names.slice(201, 231),
      )
      t.same(
        first.map(({ name }) => name),
        names.slice(0, 30),
      )
    }
    if (page.length === 0) break
    listed.push(...page.map(({ name }) => name))
  }
  t.same(listed, names)
  await writeFile(shelves.pathOf({ id: 2, state: 'working' }), '')
  const anew = await shelves.list({ ...all, after: '', limit: 1_000 })
  t.ok(
    anew.some(({ id }) => id === 2),
    'a look of before says nothing to who begins anew',
  )
})
