import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { handlerMsOf, limits } from '../../kit/limits.ts'
import { buildToy, listen, portOf, sizeOf, type ToyHandlers, toyContract } from './toy.ts'
import { openWire, until } from './wire.ts'

/** A toy whose routes may take this long, in ms; /health, which is asked after it, as long as it likes. */
async function open(t: Test, handlers: Partial<ToyHandlers>, limitMs = 200) {
  const timeOf = ({ path }: { path: string }) => (path === '/health' ? 60_000 : limitMs)
  const app = buildToy(t, handlers, { timeOf })
  await listen(app)
  const port = portOf(app)
  const say = async (line: string, ...rest: string[]) => {
    const wire = await openWire(t, port)
    wire.say(`${line} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${rest.join('\r\n')}\r\n`)
    return wire
  }
  return { port, say }
}

const never = () => new Promise<never>(() => {})

t.test('who gets no answer in time is told so, whether or not a body came with the question', async t => {
  const read: ToyHandlers['count'] = async ({ body }) => {
    await sizeOf(body)
    return never()
  }
  const { port, say } = await open(t, { byId: never, note: never, set: never, next: never, count: read })
  const questions: Record<string, string[]> = {
    'no body': ['GET /byId?id=1', ''],
    'an empty body': ['POST /next', 'Content-Length: 0', ''],
    text: ['POST /note', 'Content-Length: 3', '', 'abc'],
    JSON: ['POST /set', 'Content-Length: 8', '', '{"id":1}'],
    bytes: ['POST /count', 'Content-Length: 3', '', 'abc'],
    'many bytes': ['POST /count', 'Content-Length: 100000', '', 'x'.repeat(100_000)],
    chunks: ['POST /count', 'Transfer-Encoding: chunked', '', '3\r\nabc\r\n0\r\n'],
  }
  for (const [name, [line = '', ...rest]] of Object.entries(questions)) {
    // The end of a body is its last byte.
    const wire = await say(line, ...rest)
    const heard = await wire.hears(/\r\n\r\nError: .*\n/)
    t.match(
      heard,
      /^HTTP\/1\.1 503 [\s\S]*retry-after: [1-9][\s\S]*\r\n\r\nError: There was no answer in time/,
      name,
    )
    if (name === 'no body') {
      wire.say(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
      t.match(await wire.hears(/"ready"/), / 503 [\s\S]* 200 /, 'its connection is good for another')
    }
  }
})

t.test('of several under way each has its own time, whoever was done before it', async t => {
  const answers = new Map<number, (given: { id: number }) => void>()
  const byId: ToyHandlers['byId'] = ({ query: { id } }) => new Promise(resolve => answers.set(id, resolve))
  const { say } = await open(t, { byId }, 400)
  const ask = async (id: number) => {
    const began = performance.now()
    const wire = await say(`GET /byId?id=${id}`, '')
    await until('it is under way', () => answers.has(id))
    const heard = wire.hears(/\r\n\r\n[^\n]+\}|\r\n\r\nError: .*\n/)
    return { heard, took: heard.then(() => performance.now() - began) }
  }
  const asked = []
  for (const id of [1, 2, 3, 4, 5]) {
    asked.push(await ask(id))
    await delay(50)
  }
  // The first, one in the middle and the last of the chain.
  for (const id of [1, 3, 5]) answers.get(id)?.({ id })
  await asked[4]?.heard
  asked.push(await ask(6))
  const heard = await Promise.all(asked.map(one => one.heard))
  t.same(
    heard.map(text => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])),
    [200, 503, 200, 503, 200, 503],
  )
  for (const at of [1, 3, 5]) t.ok(((await asked[at]?.took) ?? 0) >= 399, `the limit of number ${at + 1}`)
  const after = await ask(7)
  t.match(await after.heard, / 503 /, 'one that comes when all others are over')
})

t.test('a body that does not end in time is refused as well', async t => {
  const { say } = await open(t, {})
  const wire = await say('POST /count', 'Content-Length: 900000', '', 'abc')
  t.match(await wire.hears(/\r\n\r\nError: .*\n/), /^HTTP\/1\.1 503 /)
})

t.test('what a handler waits for is given up, and what it answers too late is let go of', async t => {
  let isGivenUp = false
  let late: Readable | undefined
  const picture: ToyHandlers['picture'] = async ({ signal }) => {
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    isGivenUp = true
    late = Readable.from([Buffer.from('TOY!')])
    return { data: late }
  }
  const { say } = await open(t, { picture })
  const wire = await say('GET /picture', '')
  t.match(await wire.hears(/\r\n\r\nError: .*\n/), /^HTTP\/1\.1 503 /)
  await until('it is let go', () => late?.destroyed === true)
  t.ok(isGivenUp)
})

t.test('an answer that has begun, or whose first byte never comes, is cut in time', async t => {
  let isOver = false
  async function* endless() {
    try {
      for (;;) {
        yield 'one more\n'
        await new Promise(setImmediate)
      }
    } finally {
      isOver = true
    }
  }
  const silent = new Readable({ read() {} })
  const handlers = { rows: async () => endless(), picture: async () => ({ data: silent }) }
  const { say } = await open(t, handlers)
  const begun = await say('GET /rows', '')
  await begun.hears(/200 OK[\s\S]*one more/)
  await begun.closed
  t.notMatch(begun.heard(), /\r\n0\r\n\r\n$/, 'it shows that it is not whole')
  await until('nothing is made for it any more', () => isOver)
  const waiting = await say('GET /picture', '')
  await waiting.closed
  t.equal(waiting.heard(), '')
  await until('it is let go', () => silent.destroyed)
})

t.test('small questions, bodies of bytes and streamed answers have their own time each', async t => {
  const { byId, note, set, next, count, put, picture, rows } = toyContract.routes
  for (const route of [byId, note, set, next]) t.equal(handlerMsOf(route), limits.handlerMs, route.path)
  for (const route of [count, put]) t.equal(handlerMsOf(route), limits.uploadMs, route.path)
  for (const route of [picture, rows]) t.equal(handlerMsOf(route), limits.answerMs, route.path)
})
