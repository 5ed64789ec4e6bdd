import { PassThrough, Readable } from 'node:stream'
import t, { type Test } from 'tap'
import {
  type BodyLimits,
  collect,
  collectBody,
  discard,
  gather,
  guardBody,
  peek,
  SMALL_BODY_BYTES,
} from '../../kit/body.ts'

const limits = { maxBytes: 10, pace: { windowMs: 60_000, leastBytes: 1 } }

const quick = { maxBytes: 1_000, pace: { windowMs: 200, leastBytes: 100 } }

/** Writes into a stream every 5 ms until it is told to stop, or the test ends. */
function drip(t: Test, source: PassThrough, bytes: number) {
  const timer = setInterval(() => source.write(Buffer.alloc(bytes)), 5)
  t.teardown(() => clearInterval(timer))
}

const ways: Readonly<Record<string, (source: Readable, limits: BodyLimits) => Promise<Buffer>>> = {
  'as a stream': (source, limits) => collect(guardBody(source, limits), 10_000),
  'as a whole': collectBody,
}

for (const [way, read] of Object.entries(ways)) {
  t.test(`a guarded body gives every byte, in order, ${way}`, async t => {
    const source = Readable.from([Buffer.from('one'), Buffer.from('two')])
    t.equal(String(await read(source, limits)), 'onetwo')
    t.equal((await read(Readable.from([]), limits)).length, 0)
  })

  t.test(`a body of exactly the limit passes, a byte more is too large, ${way}`, async t => {
    t.equal((await read(Readable.from([Buffer.alloc(10)]), limits)).length, 10)
    const source = new PassThrough()
    source.write(Buffer.alloc(11))
    await t.rejects(read(source, limits), { code: 'too-large' })
    t.notOk(source.destroyed, 'it can still be answered')
    source.destroy(new Error('later'))
    await new Promise(setImmediate)
  })

  t.test(`a sender that breaks off is told from one that ends, ${way}`, async t => {
    for (const error of [undefined, new Error('reset')]) {
      const source = new PassThrough()
      source.write('abc')
      const reading = read(source, limits)
      setImmediate(() => source.destroy(error))
      await t.rejects(reading, { code: 'bad-request', message: /broke off/ })
    }
  })

  t.test(
    `a sender that goes silent is too slow, and so is one that sends hardly anything, ${way}`,
    async t => {
      const silent = new PassThrough()
      silent.write('abc')
      await t.rejects(read(silent, quick), { code: 'request-timeout' })
      const slow = new PassThrough()
      drip(t, slow, 1)
      await t.rejects(read(slow, quick), { code: 'request-timeout' })
      t.notOk(slow.destroyed, 'it can still be answered')
    },
  )
}

t.test(
  'a sender that breaks off before anyone reads ends no process, and is noticed by who reads',
  async t => {
    const source = new PassThrough()
    const guarded = guardBody(source, limits)
    source.destroy(new Error('reset'))
    await new Promise(setImmediate)
    await t.rejects(collect(guarded, 100), { code: 'bad-request' })
  },
)

t.test('a sender that keeps the pace has all the time it needs', async t => {
  const source = new PassThrough()
  drip(t, source, 10)
  const maxBytes = 100_000
  const seen: number[] = []
  const guarded = guardBody(source, { ...quick, maxBytes })
  for await (const piece of guarded) {
    seen.push(piece.length)
    if (seen.length > 250) break
  }
  t.ok(seen.length > 250)
})

t.test('a reader that is slow is not the sender’s silence', async t => {
  const source = new PassThrough()
  const guarded = guardBody(source, quick)
  source.end('abc')
  await new Promise(resolve => setTimeout(resolve, 600))
  t.equal(String(await collect(guarded, 100)), 'abc')
})

t.test('a reader that lets go leaves the source open', async t => {
  const source = new PassThrough()
  const guarded = guardBody(source, limits)
  source.write('abc')
  discard({ data: guarded })
  await new Promise(setImmediate)
  t.notOk(source.destroyed)
  source.destroy(new Error('later'))
  await new Promise(setImmediate)
})

t.test('collect gives up past its limit', async t => {
  await t.rejects(collect(Readable.from([Buffer.alloc(3), Buffer.alloc(3)]), 5), { code: 'too-large' })
  t.equal((await collect(Readable.from([]), 5)).length, 0)
})

t.test('a look at the first bytes loses none, however they come', async t => {
  const shapes = [['abcdef'], ['a', 'bcdef'], ['abc', 'def'], ['a', 'b', 'c', 'd', 'e', 'f'], ['abcd', 'ef']]
  const open: ((pieces: string[]) => Readable)[] = [
    pieces => Readable.from(pieces.map(piece => Buffer.from(piece))),
    pieces => {
      const stream = new PassThrough()
      for (const piece of pieces) stream.write(piece)
      return stream.end()
    },
    pieces => {
      const stream = new PassThrough()
      const write = () => {
        const piece = pieces.shift()
        if (piece === undefined) stream.end()
        else stream.write(piece, () => setImmediate(write))
      }
      write()
      return stream
    },
  ]
  for (const shape of shapes) {
    for (const [how, stream] of open.entries()) {
      for (const count of [1, 3, 4, 6, 7]) {
        const { first, body } = await peek({ data: stream([...shape]), length: 6 }, count)
        const whole = Buffer.isBuffer(body.data) ? body.data : await collect(body.data, 100)
        const name = `${shape.join(' ')}, way ${how}, ${count}`
        t.same([String(first), String(whole)], ['abcdef'.slice(0, count), 'abcdef'], name)
        t.equal(body.length, 6, name)
      }
    }
  }
  const { first, body } = await peek({ data: Buffer.from('abc') }, 2)
  t.same([String(first), String(body.data)], ['ab', 'abc'])
})

t.test('a body that breaks under the look fails the look', async t => {
  const stream = new PassThrough()
  stream.write('a')
  setImmediate(() => stream.destroy(new Error('reset')))
  await t.rejects(peek({ data: stream }, 4), /reset/)
})

t.test('a body that breaks between the look and its reader fails the reader, and nobody else', async t => {
  const stream = new PassThrough()
  stream.write('abcd')
  const { body } = await peek({ data: stream }, 2)
  stream.destroy(new Error('reset'))
  await new Promise(resolve => stream.on('close', resolve))
  await t.rejects(collect(body.data as Readable, 100), /reset/)
})

t.test(
  'what comes in pieces is whole when it is small, and a stream of every byte when it is not',
  async t => {
    const small = await gather(piecesOf([Buffer.from('one'), Buffer.from('two')]))
    t.same(small, { data: Buffer.from('onetwo'), length: 6 })
    t.same(await gather(piecesOf([])), { data: Buffer.alloc(0), length: 0 })
    const large = Array.from({ length: 5 }, (_, at) => Buffer.alloc(SMALL_BODY_BYTES / 2, at))
    const { data } = await gather(piecesOf(large))
    t.ok(data instanceof Readable)
    t.ok((await collect(data as Readable, 1_000_000)).equals(Buffer.concat(large)))
    const whole = Buffer.concat(large)
    t.same(await gather(piecesOf(large), whole.length), { data: whole, length: whole.length })
    t.ok((await gather(piecesOf(large), whole.length - 1)).data instanceof Readable)
  },
)

t.test('who lets go of a large one ends what makes it; what breaks in it reaches its reader', async t => {
  let isEnded = false
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(SMALL_BODY_BYTES)
    } finally {
      isEnded = true
    }
  }
  discard(await gather(endless()))
  await new Promise(setImmediate)
  t.ok(isEnded)

  async function* broken() {
    yield Buffer.alloc(SMALL_BODY_BYTES + 1)
    throw new Error('broken')
  }
  const { data } = await gather(broken())
  await t.rejects(collect(data as Readable, 1_000_000), { message: 'broken' })
})

async function* piecesOf(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces
}
