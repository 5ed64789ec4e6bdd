import { PassThrough, Readable } from 'node:stream'
import t from 'tap'
import { unheard } from '../../kit/body.ts'
import { Flow } from '../../kit/flow.ts'

t.test('a flow gives every piece as it came, in order, and none joined to another', async t => {
  const pieces = ['one', 'two', '', 'three'].map(text => Buffer.from(text))
  const stream = new PassThrough()
  for (const piece of pieces) stream.write(piece)
  stream.end()
  const seen: Buffer[] = []
  for await (const piece of new Flow(stream)) seen.push(piece)
  t.same(seen.map(String), ['one', 'two', 'three'])
  for await (const piece of new Flow(Readable.from([]))) t.fail(`a piece of nothing: ${piece}`)
})

t.test('pieces that come while nobody asks are kept, and hold up those behind them', async t => {
  let made = 0
  const stream = new Readable({
    highWaterMark: 4,
    read() {
      made += 1
      setImmediate(() => this.push(made > 50 ? null : Buffer.from('ab')))
    },
  })
  let seen = 0
  for await (const piece of new Flow(stream)) {
    seen += piece.length
    if (seen !== 20) continue
    const before = made
    for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
    t.ok(made - before < 5, `${made - before} more were made meanwhile`)
  }
  t.equal(seen, 100)
})

t.test('a stream that breaks fails its flow, whenever it does', async t => {
  for (const error of [undefined, new Error('reset')]) {
    const expected = { message: error?.message ?? 'The stream broke off.' }
    const gone = new PassThrough().on('error', unheard).destroy(error)
    await new Promise(setImmediate)
    await t.rejects(new Flow(gone).next(), expected, 'before')

    const broken = new PassThrough()
    const flow = new Flow(broken)
    setImmediate(() => broken.destroy(error))
    await t.rejects(flow.next(), expected, 'while a piece is asked for')
    await t.rejects(flow.next(), expected, 'and from then on')

    const late = new PassThrough()
    const flowing = new Flow(late)
    late.write('abc')
    t.same(await flowing.next(), { value: Buffer.from('abc') })
    late.destroy(error)
    await new Promise(setImmediate)
    await t.rejects(flowing.next(), expected, 'between two pieces')
  }
})

t.test('who leaves early destroys the stream, whose later errors are nobody’s', async t => {
  const stream = new PassThrough()
  stream.write('abc')
  for await (const _ of new Flow(stream)) break
  t.ok(stream.destroyed)
  stream.emit('error', new Error('later'))
})
