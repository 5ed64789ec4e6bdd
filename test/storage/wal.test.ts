import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, truncateSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ImageKey } from '../../storage/engine.ts'
import { OpenFile } from '../../storage/engines/file.ts'
import { nameOwn, standingOf } from '../../storage/engines/owner.ts'
import { decodeRecords, type Entry, encodeRecord } from '../../storage/engines/record.ts'
import { openWal, type Wal } from '../../storage/engines/wal.ts'
import { createRandom } from '../images/random.ts'
import { waitFor } from '../system/waiting.ts'
import { anyImage, bytesOf, openFiles, readAll } from './images.ts'

const LOG = 256 * 1024
const justOnce = { ...anyImage, isNew: true }
const upload = (id: number) => ({ id, state: 'working' }) as const
const result = (id: number, attempt: number) => ({ id, state: 'finished', attempt }) as const
const nothing = () => {}

t.test(
  'an entry is written before what follows is done; all that come meanwhile share the next fsync',
  async t => {
    const { wal } = await openReady(t)
    const syncs = holdDataSyncs(t)
    const done: number[] = []
    const write = (id: number) => wal.write(putOf(upload(id), bytesOf(10)), () => done.push(id))
    const first = write(1)
    await waitFor('a sync', () => syncs.length === 1)
    const later = [write(2), write(3)]
    t.same(done, [])
    syncs[0]?.()
    await first
    t.same(done, [1])
    await waitFor('the next sync', () => syncs.length === 2)
    t.same(done, [1])
    syncs[1]?.()
    await Promise.all(later)
    t.same(done, [1, 2, 3])
    t.equal(syncs.length, 2)
  },
)

t.test('an fsync of the log that fails is fatal, and nobody is answered', async t => {
  const failures: unknown[] = []
  const { wal } = await openReady(t, { fatal: error => failures.push(error) })
  const { prototype } = OpenFile
  const { syncData } = prototype
  t.teardown(() => Object.assign(prototype, { syncData }))
  prototype.syncData = async () => {
    throw Object.assign(new Error('EIO'), { code: 'EIO' })
  }
  const writes = [1, 2].map(id => wal.write(putOf(upload(id), bytesOf(10)), nothing))
  for (const { status } of await Promise.allSettled(writes)) t.equal(status, 'rejected')
  t.match(failures, [{ code: 'EIO' }])
})

t.test('there is no log where there is no room for it, or none is wanted', async t => {
  for (const bytes of [0, 1e15]) {
    const wal = openWal({ path: t.testdir(), fatal: failLoudly, bytes })
    t.equal(await wal.write(putOf(upload(1), bytesOf(10)), nothing), false)
    await wal.close()
  }
})

t.test(
  'a log that is full goes on in its other half, and what the first held is forgotten once it is on disk',
  async t => {
    const { wal, path } = await openReady(t)
    const image = bytesOf(60_000)
    for (const id of [1, 2]) t.equal(await wal.write(putOf(upload(id), image), nothing), true)
    t.ok(wal.holds({ ...upload(1), attempt: 0 }))
    t.equal(await wal.write(putOf(upload(3), image), nothing), true)
    await waitFor('emptied', () => !wal.holds({ ...upload(1), attempt: 0 }))
    t.same(await idsIn(path), [3])
    for (const id of [4, 5]) t.equal(await wal.write(putOf(upload(id), image), nothing), true)
    await waitFor('emptied', () => !wal.holds({ ...upload(3), attempt: 0 }))
    t.same(await idsIn(path), [5])
  },
)

t.test('what is larger than half of the log has no room in it', async t => {
  const { wal } = await openReady(t)
  t.equal(await wal.write(putOf(upload(1), bytesOf(LOG / 2)), nothing), false)
  t.equal(await wal.write(putOf(upload(2), bytesOf(10)), nothing), true)
})

t.test('what was written lately is put on disk after a while, however little it is', async t => {
  const { wal, path } = await openReady(t, { emptyEveryMs: 50 })
  t.equal(await wal.write(putOf(upload(1), bytesOf(10)), nothing), true)
  await waitFor('emptied', () => !wal.holds({ ...upload(1), attempt: 0 }))
  t.same(await idsIn(path), [])
})

t.test('a log that is closed is gone', async t => {
  const { wal, path } = await openReady(t)
  await wal.write(putOf(upload(1), bytesOf(10)), nothing)
  await wal.close()
  t.same(await readdir(path), [])
})

t.test('records are read back up to the first that is not as it was written, and no older ones', t => {
  const random = createRandom('storage/records')
  for (let round = 0; round < 50; round += 1) {
    const entries = Array.from({ length: 1 + random.below(6) }, (_, n): Entry => {
      if (random.below(4) === 0) return { kind: 'removed', ...upload(n), attempt: 0 }
      return putOf(result(n, 1 + random.below(3)), bytesOf(1 + random.below(500)))
    })
    const pieces = entries.map(entry => Buffer.concat(encodeRecord(entry, 7)))
    const older = Buffer.concat(encodeRecord(putOf(upload(99), bytesOf(20)), 6))
    const whole = Buffer.concat([...pieces, older, Buffer.alloc(random.below(200))])
    t.same(decodeRecords(whole), { generation: 7, entries })
    const broken = random.below(pieces.length)
    const start = Buffer.concat(pieces.slice(0, broken)).length
    const at = start + random.below(pieces[broken]?.length ?? 1)
    whole[at] = (whole[at] ?? 0) ^ (1 << random.below(8))
    t.same(decodeRecords(whole).entries, entries.slice(0, broken), `bit of byte ${at}`)
    t.same(decodeRecords(whole.subarray(0, at)).entries, entries.slice(0, broken), `cut at ${at}`)
  }
  t.end()
})

t.test('after a power cut all that was acknowledged is put back, and nothing else is changed', async t => {
  const { path, images } = await leaveLog(t)
  const [lost, cut, , gone] = images.map(({ image }) => image) as [ImageKey, ImageKey, ImageKey, ImageKey]
  unlinkSync(join(path, 'working/1/11'))
  truncateSync(join(path, 'finished/1/12.1'), 0)
  const { engine } = await openFiles(t, { path })
  for (const { image, bytes } of images.slice(0, 3)) t.ok((await readAll(engine, image))?.equals(bytes))
  t.equal(await engine.get(gone), undefined, 'what was removed stays so')
  t.equal(engine.corruptCount(), 0)
  t.same(await readdir(join(path, 'incoming')), [])
  await t.rejects(engine.put(lost, { data: bytesOf(10) }, justOnce), { code: 'conflict' })
  await t.rejects(engine.put(cut, { data: bytesOf(10) }, anyImage), { code: 'conflict' })
})

t.test('a log is taken away by the next one, but for that of a process that lives, or may live', async t => {
  const { path, log } = await leaveLog(t)
  const other = join(path, 'log', '0.0.1.1.elsewhere')
  await copyFile(log, other)
  const own = join(path, 'log', nameOwn())
  await copyFile(log, own)
  const first = await openFiles(t, { path, logBytes: 0 })
  t.same((await readdir(join(path, 'log'))).map(name => join(path, 'log', name)).sort(), [other, own].sort())
  await first.engine.close()
  utimesSync(other, 0, 0)
  await openFiles(t, { path, logBytes: 0 })
  t.same(
    (await readdir(join(path, 'log'))).map(name => join(path, 'log', name)),
    [own],
  )
})

t.test('what a process is, its file says', async t => {
  const name = nameOwn()
  t.equal(standingOf(name), 'alive')
  const [boot, numbers, pid, start] = name.split('.')
  t.equal(
    standingOf([boot, numbers, pid, Number(start) + 1, 'x'].join('.')),
    'gone',
    'the number was given again',
  )
  t.equal(standingOf([boot, 1, pid, start, 'x'].join('.')), 'unknown', 'another container')
  t.equal(standingOf(['another-boot', numbers, pid, start, 'x'].join('.')), 'unknown')
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  t.equal(standingOf([boot, numbers, child.pid, start, 'x'].join('.')), 'gone')
  const { pid: unburied, startedAt } = await leaveZombie(t)
  t.equal(
    standingOf([boot, numbers, unburied, startedAt, 'x'].join('.')),
    'gone',
    'nobody asked how it ended',
  )
})

t.test(
  'what is stored under a name that has no file on disk yet is decided by what has the name',
  async t => {
    const { engine, path } = await openLogged(t)
    const bytes = bytesOf(1_000)
    await engine.put(result(21, 1), { data: bytes }, anyImage)
    await engine.put(result(21, 1), { data: bytes }, anyImage)
    await t.rejects(engine.put(result(21, 1), { data: bytesOf(1_000) }, anyImage), { code: 'conflict' })
    await engine.put(upload(21), { data: bytes }, justOnce)
    await t.rejects(engine.put(upload(21), { data: bytes }, justOnce), { code: 'conflict' })
    const all = await Promise.allSettled(
      [1, 2, 3].map(() => engine.put(upload(22), { data: bytesOf(1_000) }, justOnce)),
    )
    t.equal(all.filter(({ status }) => status === 'fulfilled').length, 1)
    t.same(await readdir(join(path, 'incoming')), [])
  },
)

t.test('what the log holds is read without a thread, and verified like all else', async t => {
  const { engine, path } = await openLogged(t)
  const [image, replaced] = [result(21, 1), upload(22)]
  const [bytes, larger] = [bytesOf(60_000), bytesOf(70_000)]
  await engine.put(image, { data: bytes }, anyImage)
  await engine.put(replaced, { data: bytes }, justOnce)
  await engine.put(upload(23), { data: bytes }, anyImage)
  const { prototype } = OpenFile
  const { read } = prototype
  t.teardown(() => Object.assign(prototype, { read }))
  prototype.read = async () => {
    throw new Error('read in a thread')
  }
  t.ok((await readAll(engine, image))?.equals(bytes))
  t.ok((await readAll(engine, { id: 21, state: 'finished' }))?.equals(bytes))
  await t.rejects(engine.get(upload(23)), { message: 'read in a thread' })
  const file = join(path, 'finished/2/21.1')
  const whole = await readFile(file)
  whole.writeUInt8(whole.readUInt8(59_999) ^ 1, 59_999)
  writeFileSync(file, whole)
  await t.rejects(engine.get(image), { code: 'internal', message: /corrupt/ })
  truncateSync(file, 40)
  await t.rejects(engine.get(image), { code: 'internal', message: /corrupt/ })
  unlinkSync(file)
  t.equal(await engine.get(image), undefined)
  await engine.put(replaced, { data: larger }, anyImage)
  prototype.read = read
  t.ok((await readAll(engine, replaced))?.equals(larger))
})

t.test('in place of a log that others took away another one is made', async t => {
  const { wal, path } = await openReady(t, { emptyEveryMs: 100 })
  const [first = ''] = await readdir(path)
  unlinkSync(join(path, first))
  t.equal(await wal.write(putOf(upload(1), bytesOf(10)), nothing), false)
  t.notOk(wal.holds({ ...upload(1), attempt: 0 }))
  await ready(wal)
  const names = await readdir(path)
  t.equal(names.length, 1)
  t.not(names[0], first)
})

t.test('that an image was removed stands in the log as long as the image does', async t => {
  const { engine, path } = await openLogged(t)
  await engine.put(upload(31), { data: bytesOf(1_000) }, justOnce)
  await engine.put(upload(32), { data: bytesOf(1_000) }, justOnce)
  await engine.remove(upload(31))
  t.same(await idsIn(join(path, 'log')).then(ids => ids.filter(id => id < 1_000)), [31, 32, 31])
  t.equal(await engine.get(upload(31)), undefined)
  t.ok((await readAll(engine, upload(32))) !== undefined)
})

t.test(
  'a log that others took away is written no more, and what it was to hold is put on disk at once',
  async t => {
    const { engine, path } = await openLogged(t)
    for (const name of await readdir(join(path, 'log'))) unlinkSync(join(path, 'log', name))
    const bytes = bytesOf(1_000)
    await engine.put(upload(41), { data: bytes }, justOnce)
    t.same(await readdir(join(path, 'log')), [])
    t.ok((await readAll(engine, upload(41)))?.equals(bytes))
  },
)

/** A process that has ended, and whose parent does not ask how. */
async function leaveZombie(t: Test): Promise<{ pid: number; startedAt: string }> {
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'])
  t.teardown(() => parent.kill())
  const [said] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(said.toString())
  const fieldsOf = () => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  await waitFor('its end', async () => fieldsOf()[0] === 'Z')
  return { pid, startedAt: fieldsOf()[19] ?? '' }
}

/** A log that is ready to be written. */
async function openReady(t: Test, options: Partial<Parameters<typeof openWal>[0]> = {}) {
  const path = t.testdir()
  const wal = openWal({ path, fatal: failLoudly, bytes: LOG, ...options })
  t.teardown(() => wal.close())
  await ready(wal)
  return { wal, path }
}

async function ready(wal: Wal): Promise<void> {
  const removed = { kind: 'removed', ...upload(0), attempt: 0 } as const
  await waitFor('a log', async () => wal.write(removed, nothing))
}

/** An engine whose log is ready. */
async function openLogged(t: Test) {
  const { engine, path } = await openFiles(t, { logBytes: LOG })
  let id = 1_000
  await waitFor('a log', async () => {
    id += 1
    await engine.put(upload(id), { data: bytesOf(10) }, justOnce)
    return (await idsIn(join(path, 'log'))).includes(id)
  })
  return { engine, path }
}

/** The ids in all logs of a folder. */
async function idsIn(path: string): Promise<number[]> {
  const logs = await Promise.all((await readdir(path)).map(name => readFile(join(path, name))))
  const halves = logs.flatMap(log => [log.subarray(0, LOG / 2), log.subarray(LOG / 2)])
  return halves.flatMap(half => decodeRecords(half).entries.map(({ id }) => id))
}

/**
 * What a process leaves that is no more: three images with files of their own, a fourth that was removed, and a log that has all of them, in both
 * of its halves.
 */
async function leaveLog(t: Test) {
  const { engine, path } = await openFiles(t, { logBytes: 0 })
  const images = [upload(11), result(12, 1), result(13, 2), upload(14)].map(image => ({
    image,
    bytes: bytesOf(5_000),
  }))
  for (const { image, bytes } of images.slice(0, 3)) await engine.put(image, { data: bytes }, anyImage)
  await engine.close()
  const puts = images.map(({ image, bytes }) => putOf(image, bytes))
  const removed = { kind: 'removed', ...upload(14), attempt: 0 } as const
  const log = Buffer.alloc(LOG)
  // The second half is the older one.
  Buffer.concat([puts[0], puts[3]].flatMap(put => (put ? encodeRecord(put, 3) : []))).copy(log, LOG / 2)
  Buffer.concat([removed, puts[1], puts[2]].flatMap(put => (put ? encodeRecord(put, 4) : []))).copy(log)
  const name = nameOwn().split('.')
  const gone = [...name.slice(0, 3), 1, ...name.slice(4)].join('.')
  writeFileSync(join(path, 'log', gone), log)
  return { path, images, log: join(path, 'log', gone) }
}

function putOf({ id, state, attempt = 0 }: ImageKey, data: Buffer): Entry {
  const seal = { length: data.length, sha256: hash('sha256', data, 'buffer') }
  return { kind: 'put', id, state, attempt, data, seal }
}

/** Every fsync of a log from now on waits to be let go. */
function holdDataSyncs(t: Test): (() => void)[] {
  const { prototype } = OpenFile
  const { syncData } = prototype
  const held: (() => void)[] = []
  prototype.syncData = async function (this: OpenFile) {
    await new Promise<void>(resolve => held.push(resolve))
    return syncData.call(this)
  }
  t.teardown(() => Object.assign(prototype, { syncData }))
  return held
}

function failLoudly(error: unknown): never {
  throw error
}
