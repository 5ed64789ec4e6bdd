import { execFileSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmdirSync, writeSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { waitFor } from '../system/waiting.ts'
import { anyImage, bytesOf, openFiles, readAll, streamOf } from './images.ts'

t.test('a full disk is a refusal that leaves nothing behind, and heals once there is room', async t => {
  const path = mountSmallDisk(t)
  if (path === undefined) {
    t.pass('left out: it needs root, and a system that lets it mount a tmpfs', { skip: true })
    return
  }
  const { engine } = await openFiles(t, { path })
  const kept = new Map<number, Buffer>()
  let refusals = 0
  for (let id = 1; refusals < 10; id++) {
    const bytes = bytesOf(50_000)
    const body = id % 2 === 0 ? { data: bytes } : streamOf(bytes, 7_000)
    try {
      await engine.put({ id, state: 'working' }, body, anyImage)
      kept.set(id, bytes)
    } catch (error) {
      t.match(error, { code: 'disk-full' })
      t.equal(await engine.get({ id, state: 'working' }), undefined)
      refusals += 1
    }
  }
  t.ok(kept.size > 5)
  t.same(await readdir(join(path, 'incoming')), [])
  for (const [id, bytes] of kept) t.ok((await readAll(engine, { id, state: 'working' }))?.equals(bytes))

  await engine.remove({ id: 1, state: 'working' })
  await engine.put({ id: 1, state: 'working' }, { data: bytesOf(50_000) }, anyImage)
})

t.test('what the log takes finds a full disk as well, and is refused', async t => {
  const path = mountSmallDisk(t)
  if (path === undefined) {
    t.pass('left out: it needs root, and a system that lets it mount a tmpfs', { skip: true })
    return
  }
  const { engine } = await openFiles(t, { path, logBytes: 40_000 })
  await waitFor('a log', async () => (await readdir(join(path, 'log'))).length > 0)
  const isThere = async (id: number) => (await engine.get({ id, state: 'working' })) !== undefined
  let [id, refusals] = [0, 0]
  for (; refusals < 10; id++) {
    const put = engine.put({ id, state: 'working' }, { data: bytesOf(5_000) }, { ...anyImage, isNew: true })
    const refusal = await put.then(
      () => undefined,
      error => error,
    )
    if (refusal !== undefined) {
      t.match(refusal, { code: 'disk-full' })
      refusals += 1
    }
    t.equal(await isThere(id), refusal === undefined)
  }
  t.ok(id > 60, `${id} images`)
  t.same(await readdir(join(path, 'incoming')), [])
})

t.test('a log that finds no room where it has been written before is gone on without', async t => {
  const path = mountSmallDisk(t)
  if (path === undefined) {
    t.pass('left out: it needs root, and a system that lets it mount a tmpfs', { skip: true })
    return
  }
  const { engine } = await openFiles(t, { path, logBytes: 40_000 })
  const logs = () => readdir(join(path, 'log'))
  await waitFor('a log', async () => (await logs()).length > 0)
  await engine.put({ id: 1, state: 'working' }, { data: bytesOf(5_000) }, anyImage)
  const [log = ''] = await logs()
  // As where each write goes to another place: what was there before has been given back.
  execFileSync('fallocate', ['--punch-hole', '--offset', '0', '--length', '40000', join(path, 'log', log)])
  // For the image and its seal there is room, and not for both of them and their record.
  fillUp(path, 3)
  const bytes = bytesOf(5_000)
  await engine.put({ id: 2, state: 'working' }, { data: bytes }, { ...anyImage, isNew: true })
  t.ok((await readAll(engine, { id: 2, state: 'working' }))?.equals(bytes))
  t.same(await logs(), [])
})

t.test('a disk without room for another name refuses too', async t => {
  const path = mountSmallDisk(t, 'nr_inodes=40')
  if (path === undefined) {
    t.pass('left out: it needs root, and a system that lets it mount a tmpfs', { skip: true })
    return
  }
  const { engine } = await openFiles(t, { path })
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, id) =>
      engine.put({ id, state: 'working' }, { data: Buffer.from('x') }, anyImage),
    ),
  )
  const refusals = outcomes.flatMap(outcome => (outcome.status === 'rejected' ? outcome.reason : []))
  t.ok(refusals.length > 0)
  for (const refusal of refusals) t.match(refusal, { code: 'disk-full' })
  for (const [id, { status }] of outcomes.entries())
    t.equal((await engine.get({ id, state: 'working' })) !== undefined, status === 'fulfilled')
})

/** Leaves so many pages of 4 KB free. */
function fillUp(path: string, pages: number): void {
  const filler = openSync(join(path, 'filler'), 'w')
  const page = Buffer.alloc(4_096)
  let filled = 0
  try {
    for (;;) filled += writeSync(filler, page)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    ftruncateSync(filler, filled - pages * page.length)
  } finally {
    closeSync(filler)
  }
}

/** A disk of 1 MB, taken away with the test; `undefined` where there can be none. */
function mountSmallDisk(t: Test, options = 'nr_inodes=1000'): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=1m,${options}`, 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    rmdirSync(path)
    return undefined
  }
  t.teardown(() => {
    execFileSync('umount', ['-l', path])
    rmdirSync(path)
  })
  return path
}
