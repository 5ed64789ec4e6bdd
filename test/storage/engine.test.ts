import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { ServiceError } from '../../kit/errors.ts'
import type { StorageEngine } from '../../storage/engine.ts'
import { anyImage, bytesOf, contentOf, LARGE_BYTES, openFiles, readAll, streamOf } from './images.ts'

const upload = { id: 72, state: 'working' } as const
const plain = { id: 72, state: 'finished' } as const
const everything = { olderThanMs: 0, after: '', limit: 1_000 }

/** What every engine of storage promises. */
function promises(name: string, open: (t: Test) => Promise<StorageEngine>): void {
  t.test(`${name}: an image comes back byte for byte, however it came and however large it is`, async t => {
    const engine = await open(t)
    for (const length of [1, 64, 65_536, 2_097_151, 2_097_152, 2_097_153, LARGE_BYTES]) {
      const bytes = bytesOf(length)
      for (const body of [{ data: bytes, length }, streamOf(bytes), streamOf(bytes, 1_000)]) {
        await engine.put(upload, body, anyImage)
        t.equal((await readAll(engine, upload))?.equals(bytes), true, `${length} bytes`)
      }
    }
  })

  t.test(`${name}: what was never stored is undefined`, async t => {
    const engine = await open(t)
    t.equal(await engine.get(upload), undefined)
    t.equal(await engine.get(plain), undefined)
    t.equal(await engine.get({ ...plain, attempt: 1 }), undefined)
  })

  t.test(`${name}: an upload and the results of one id do not touch each other`, async t => {
    const engine = await open(t)
    const names = [upload, plain, { ...plain, attempt: 1 }, { ...plain, attempt: 2 }, { ...plain, id: 7 }]
    for (const [i, image] of names.entries()) await engine.put(image, { data: Buffer.from([i]) }, anyImage)
    for (const [i, image] of names.entries()) t.same(await readAll(engine, image), Buffer.from([i]))
  })

  t.test(
    `${name}: a plain image replaces the one before it; whoever reads that one reads it to its end`,
    async t => {
      const engine = await open(t)
      const before = bytesOf(LARGE_BYTES)
      await engine.put(upload, { data: before }, anyImage)
      const reading = await engine.get(upload)
      await engine.put(upload, { data: Buffer.from('after') }, anyImage)
      t.equal((await (reading && contentOf(reading)))?.equals(before), true)
      t.same(await readAll(engine, upload), Buffer.from('after'))
    },
  )

  t.test(
    `${name}: of many that make the same image at once exactly one succeeds, and its bytes stand`,
    async t => {
      const engine = await open(t)
      const tries = Array.from({ length: 20 }, (_, i) => Buffer.from([i]))
      const outcomes = await Promise.allSettled(
        tries.map(data => engine.put(upload, { data }, { ...anyImage, isNew: true })),
      )
      const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? i : []))
      t.equal(winners.length, 1)
      t.same(await readAll(engine, upload), tries[winners[0] ?? -1])
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') t.match(outcome.reason, { code: 'conflict' })
    },
  )

  t.test(`${name}: the result of an attempt is never overwritten; the same bytes again are fine`, async t => {
    const engine = await open(t)
    const image = { ...plain, attempt: 3 }
    await engine.put(image, { data: Buffer.from('first') }, anyImage)
    await engine.put(image, { data: Buffer.from('first') }, anyImage)
    await engine.put(image, streamOf(Buffer.from('first')), anyImage)
    await t.rejects(engine.put(image, { data: Buffer.from('other') }, anyImage), { code: 'conflict' })
    await t.rejects(engine.put(image, streamOf(Buffer.from('other')), anyImage), { code: 'conflict' })
    t.same(await readAll(engine, image), Buffer.from('first'))
  })

  t.test(`${name}: a result without attempt is the plain one, else that of the highest attempt`, async t => {
    const engine = await open(t)
    for (const attempt of [2, 10, 9])
      await engine.put({ ...plain, attempt }, { data: Buffer.from([attempt]) }, anyImage)
    await engine.put(
      { id: 7, state: 'finished', attempt: 99 },
      { data: Buffer.from('a neighbour') },
      anyImage,
    )
    t.same(await readAll(engine, plain), Buffer.from([10]))
    await engine.put(plain, { data: Buffer.from('plain') }, anyImage)
    t.same(await readAll(engine, plain), Buffer.from('plain'))
  })

  t.test(
    `${name}: one result is removed alone, the plain one as 0, without attempt all of the id`,
    async t => {
      const engine = await open(t)
      const neighbour = { id: 721, state: 'finished' } as const
      for (const image of [upload, neighbour, plain, { ...plain, attempt: 1 }, { ...plain, attempt: 2 }])
        await engine.put(image, { data: Buffer.from('x') }, anyImage)
      await engine.remove({ ...plain, attempt: 2 })
      t.equal(await engine.get({ ...plain, attempt: 2 }), undefined)
      t.ok(await engine.get({ ...plain, attempt: 1 }))
      await engine.remove({ ...plain, attempt: 0 })
      t.equal(await engine.get({ ...plain, attempt: 0 }), undefined)
      t.ok(await engine.get(plain), 'that of attempt 1')
      await engine.remove(plain)
      await engine.remove(plain)
      t.equal(await engine.get(plain), undefined)
      t.ok(await engine.get(neighbour))
      t.ok(await engine.get(upload))
      await engine.remove(upload)
      t.equal(await engine.get(upload), undefined)
    },
  )

  t.test(
    `${name}: an image too large, an empty one and one whose sender breaks off leave what was there`,
    async t => {
      const engine = await open(t)
      const before = Buffer.from('before')
      await engine.put(upload, { data: before }, anyImage)
      const small = { maxBytes: 100, isNew: false }
      const broken = new Readable({ read() {} })
      broken.push(Buffer.alloc(70_000))
      const refused = t.rejects(engine.put(upload, { data: broken }, anyImage), { code: 'bad-request' })
      setImmediate(() => broken.destroy(new ServiceError('bad-request', 'The sender broke off.')))
      await refused
      await t.rejects(engine.put(upload, { data: Buffer.alloc(101) }, small), { code: 'too-large' })
      await t.rejects(engine.put(upload, streamOf(Buffer.alloc(101)), small), { code: 'too-large' })
      await t.rejects(engine.put(upload, streamOf(Buffer.alloc(0)), anyImage), { code: 'bad-request' })
      t.same(await readAll(engine, upload), before)
      await engine.put(upload, streamOf(Buffer.alloc(100)), small)
    },
  )

  t.test(
    `${name}: a body that failed before it was read is a refusal, not the end of the process`,
    async t => {
      const engine = await open(t)
      const data = new Readable({ read() {} })
      data.on('error', () => {})
      data.destroy(new ServiceError('request-timeout', 'The request came too slowly.'))
      await t.rejects(engine.put(upload, { data }, anyImage), { code: 'request-timeout' })
      t.equal(await engine.get(upload), undefined)
    },
  )

  t.test(`${name}: the list pages through everything once, in order of name`, async t => {
    const engine = await open(t)
    const ids = [0, 5, 7, 70, 72, 700, 9, 10, 1, 9_007_199_254_740_991]
    const images = ids.flatMap(id => [
      { id, state: 'finished' as const },
      { id, state: 'finished' as const, attempt: id + 1 > Number.MAX_SAFE_INTEGER ? 3 : id + 1 },
    ])
    for (const image of images) await engine.put(image, { data: Buffer.alloc(3) }, anyImage)
    await engine.put({ id: 5, state: 'working' }, { data: Buffer.alloc(5) }, anyImage)
    const seen = []
    for (let after = ''; ; ) {
      const page = await engine.list({ ...everything, state: 'finished', after, limit: 3 })
      if (page.length === 0) break
      t.ok(page.length <= 3)
      seen.push(...page)
      after = page.at(-1)?.name ?? ''
    }
    const names = seen.map(({ name }) => name)
    t.same(names, [...new Set(names)].sort())
    t.same(
      new Set(seen.map(({ id, attempt }) => `${id} ${attempt}`)),
      new Set(images.map(({ id, attempt = 0 }) => `${id} ${attempt}`)),
    )
    t.ok(seen.every(({ bytes, ageMs }) => bytes === 3 && ageMs >= 0 && ageMs < 60_000))
    const working = await engine.list({ ...everything, state: 'working' })
    t.match(working, [{ id: 5, attempt: 0, bytes: 5 }])
    t.equal(working.length, 1)
  })

  t.test(`${name}: the list leaves out what is younger than asked for`, async t => {
    const engine = await open(t)
    await engine.put(upload, { data: Buffer.from('x') }, anyImage)
    t.equal((await engine.list({ ...everything, state: 'working' })).length, 1)
    t.same(await engine.list({ ...everything, state: 'working', olderThanMs: 3_600_000 }), [])
  })
}

promises('files', async t => (await openFiles(t)).engine)
