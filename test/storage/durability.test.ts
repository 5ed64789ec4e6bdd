import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OpenFile } from '../../storage/engines/file.ts'
import { openFileStorage } from '../../storage/engines/files.ts'
import { createSharedSync } from '../../storage/engines/folder.ts'
import { anyImage, bytesOf, openFiles, streamOf } from './images.ts'

const upload = { id: 72, state: 'working' } as const

t.test(
  'whoever comes while a sync runs shares the next one, and nobody rides on the running one',
  async t => {
    const ends: (() => void)[] = []
    const sync = createSharedSync(() => new Promise<void>(resolve => ends.push(resolve)), failLoudly)
    const done: string[] = []
    const ask = (name: string) => sync().then(() => done.push(name))
    const first = ask('first')
    const later = [ask('second'), ask('third')]
    t.equal(ends.length, 1)
    ends[0]?.()
    await first
    await settle()
    t.same(done, ['first'])
    t.equal(ends.length, 2)
    const last = ask('fourth')
    ends[1]?.()
    await Promise.all(later)
    await settle()
    t.same(done, ['first', 'second', 'third'])
    ends[2]?.()
    await last
    t.equal(ends.length, 3)
  },
)

t.test('a shared sync that failed tells everyone, and is never tried again', async t => {
  let tries = 0
  const failures: unknown[] = []
  const broken = new Error('EIO')
  const sync = createSharedSync(
    async () => {
      tries += 1
      throw broken
    },
    error => failures.push(error),
  )
  const outcomes = await Promise.allSettled([sync(), sync(), sync()])
  t.ok(outcomes.every(({ status }) => status === 'rejected'))
  await t.rejects(sync())
  t.equal(tries, 1)
  t.same(failures, [broken])
})

t.test('an image is acknowledged after its bytes are on disk, and after them its name', async t => {
  for (const body of [{ data: bytesOf(100) }, streamOf(bytesOf(100_000))]) {
    const { engine, path } = await openFiles(t, { path: t.testdir(), logBytes: 0 })
    const syncs = await holdSyncs(t)
    let isDone = false
    const putting = engine.put(upload, body, anyImage).then(() => {
      isDone = true
    })
    await until(() => syncs.length === 1)
    t.ok(syncs[0]?.isFile)
    t.same(await readdir(join(path, 'working/7')), [], 'no name before the bytes')
    syncs[0]?.end()
    await until(() => syncs.length === 2)
    t.notOk(syncs[1]?.isFile)
    t.same(await readdir(join(path, 'working/7')), ['72'])
    t.notOk(isDone)
    syncs[1]?.end()
    await putting
    t.equal(syncs.length, 2)
    restoreSyncs()
  }
})

t.test('a result that is there already is acknowledged only once its name is on disk', async t => {
  const { engine } = await openFiles(t, { logBytes: 0 })
  const image = { id: 72, state: 'finished', attempt: 1 } as const
  await engine.put(image, { data: Buffer.from('x') }, anyImage)
  const syncs = await holdSyncs(t)
  let isDone = false
  const again = engine.put(image, { data: Buffer.from('x') }, anyImage).then(() => {
    isDone = true
  })
  await until(() => syncs.length === 1)
  syncs[0]?.end()
  await until(() => syncs.length === 2)
  t.notOk(isDone)
  syncs[1]?.end()
  await again
})

t.test('a failed fsync is fatal and acknowledges nothing: of the file and of the folder', async t => {
  for (const [place, name] of ['file', 'folder'].entries()) {
    const failures: unknown[] = []
    const engine = await openFileStorage({
      path: t.testdir(),
      fatal: error => failures.push(error),
      logBytes: 0,
    })
    const syncs = await holdSyncs(t)
    const refused = t.rejects(engine.put(upload, { data: Buffer.from('x') }, anyImage), name)
    for (let i = 0; i < place; i++) {
      await until(() => syncs.length === i + 1)
      syncs[i]?.end()
    }
    await until(() => syncs.length === place + 1)
    syncs[place]?.end(Object.assign(new Error('EIO'), { code: 'EIO' }))
    await refused
    t.match(failures, [{ code: 'EIO' }], name)
    t.equal(syncs.length, place + 1)
    restoreSyncs()
    await engine.close()
  }
})

t.test('a full disk that only shows at the fsync of a file is a refusal, and nothing is left', async t => {
  const { engine, path } = await openFiles(t, { logBytes: 0 })
  for (const code of ['ENOSPC', 'EDQUOT']) {
    const syncs = await holdSyncs(t)
    const refused = t.rejects(engine.put(upload, streamOf(bytesOf(10)), anyImage), { code: 'disk-full' })
    await until(() => syncs.length === 1)
    syncs[0]?.end(Object.assign(new Error(code), { code }))
    await refused
    restoreSyncs()
    t.same(await readdir(join(path, 'incoming')), [])
    t.equal(await engine.get(upload), undefined)
  }
})

function failLoudly(error: unknown): never {
  throw error
}

interface HeldSync {
  readonly isFile: boolean
  /** Lets it end, or fail. */
  readonly end: (error?: Error) => void
}

let restoreSyncs = () => {}

/** Every fsync of this process from now on waits to be let go. */
async function holdSyncs(t: Test): Promise<HeldSync[]> {
  const { prototype } = OpenFile
  const { sync, write } = prototype
  const held: HeldSync[] = []
  const written = new WeakSet<OpenFile>()
  prototype.write = function (this: OpenFile, bytes) {
    written.add(this)
    return write.call(this, bytes)
  }
  prototype.sync = async function (this: OpenFile) {
    const isFile = written.has(this)
    await new Promise<void>((resolve, reject) => {
      held.push({ isFile, end: error => (error === undefined ? resolve() : reject(error)) })
    })
    return sync.call(this)
  }
  restoreSyncs = () => {
    Object.assign(prototype, { sync, write })
  }
  t.teardown(restoreSyncs)
  return held
}

async function until(isSo: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + 40_000
  while (!isSo()) {
    if (Date.now() > giveUpAt) throw new Error('It never came.')
    await new Promise(setImmediate)
  }
}

/** Lets everything that can go on go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise(setImmediate)
}
