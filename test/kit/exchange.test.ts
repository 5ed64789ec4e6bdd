import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Pool } from 'undici'
import { SMALL_BODY_BYTES } from '../../kit/body.ts'
import { confirmed, createConnector } from '../../kit/connector.ts'
import { exchange } from '../../kit/exchange.ts'
import { openBareServer, until } from './wire.ts'

/** Asks a server that answers with `handler`, over one connection. */
async function open(t: Test, handler: (request: IncomingMessage, response: ServerResponse) => void) {
  const { address } = await openBareServer(t, handler)
  const connect = confirmed(createConnector(undefined, 1_000), async () => {})
  const pool = new Pool(`http://${address}`, { connections: 1, pipelining: 1, connect })
  t.teardown(() => pool.destroy())
  return (signal?: AbortSignal) => exchange(pool, { method: 'GET', path: '/' }, signal)
}

const isStream = (body: Buffer | Readable): body is Readable => !Buffer.isBuffer(body)

t.test('a body is whole up to 64 KB, and a stream above, or where nothing says how long it is', async t => {
  const bodies = [0, 1, SMALL_BODY_BYTES, SMALL_BODY_BYTES + 1].map(length => Buffer.alloc(length, 'x'))
  for (const body of bodies) {
    const ask = await open(t, (_request, response) =>
      response.writeHead(200, { 'content-length': body.length, 'x-name': 'value' }).end(body),
    )
    const answer = await ask()
    t.match(answer, { status: 200, headers: { 'x-name': 'value' } })
    t.equal(isStream(answer.body), body.length > SMALL_BODY_BYTES, `${body.length}`)
    const pieces = isStream(answer.body) ? await answer.body.toArray() : [answer.body]
    t.ok(Buffer.concat(pieces).equals(body), `${body.length}`)
  }
  const ask = await open(t, (_request, response) => {
    response.write('one ')
    setImmediate(() => response.end('two'))
  })
  const { body } = await ask()
  t.equal(isStream(body) && Buffer.concat(await body.toArray()).toString(), 'one two')
})

t.test('one without a body has an empty one, and what comes before an answer is none', async t => {
  const ask = await open(t, (_request, response) => {
    response.writeEarlyHints({ link: '</style>; rel=preload' })
    response.writeHead(204).end()
  })
  for (let turn = 0; turn < 2; turn += 1) t.match(await ask(), { status: 204, body: { length: 0 } })
})

t.test('a small body that breaks off is no answer', async t => {
  const ask = await open(t, (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half')
    setTimeout(() => response.destroy(), 20)
  })
  await t.rejects(ask(), { code: 'UND_ERR_SOCKET' })
})

t.test('who reads slowly is not sent more than the sockets hold', async t => {
  let sent = 0
  const piece = Buffer.alloc(SMALL_BODY_BYTES)
  const ask = await open(t, (_request, response) => {
    const write = () => {
      for (; sent < 4_000 && !response.writableNeedDrain; sent += 1) response.write(piece)
      if (sent === 4_000) response.end()
    }
    response.on('drain', write)
    write()
  })
  const { body } = await ask()
  if (!isStream(body)) return t.fail('not a stream')
  let before = -1
  await until('nothing more is sent', async () => {
    const isSame = before === sent
    before = sent
    await new Promise(resolve => setTimeout(resolve, 100))
    return isSame
  })
  t.ok(sent < 1_000, `${sent} of 4,000 pieces`)
  t.ok(body.readableLength <= 4 * SMALL_BODY_BYTES, `${body.readableLength} bytes`)
  let length = 0
  for await (const part of body) length += part.length
  t.equal(length, 4_000 * piece.length)
})

/** Reads it in small steps, the first a while after all that there is has come. */
async function readLate(body: Readable): Promise<number> {
  await delay(200)
  let length = 0
  for await (const piece of body) {
    length += piece.length
    await delay(10)
  }
  return length
}

t.test('an answer that has come is whole, although its connection ended before it was read', async t => {
  for (const length of [SMALL_BODY_BYTES + 1, 100_000, 1_000_000]) {
    const ask = await open(t, (_request, response) => {
      response.writeHead(200, { 'content-length': length, connection: 'close' }).end(Buffer.alloc(length))
    })
    const { body } = await ask()
    t.equal(isStream(body) && (await readLate(body)), length)
  }
})

t.test('one that is cut short before it is read breaks off, however it is cut, and nothing else', async t => {
  const cuts: readonly ((socket: Socket) => void)[] = [
    socket => socket.end(),
    socket => socket.resetAndDestroy(),
  ]
  for (const cut of cuts) {
    for (const sent of [100_000, 300_000]) {
      for (const head of [{ 'content-length': 1_000_000 }, {}]) {
        const ask = await open(t, (request, response) => {
          response.writeHead(200, { ...head, connection: 'close' }).write(Buffer.alloc(sent))
          setTimeout(() => cut(request.socket), 50)
        })
        const { body } = await ask()
        if (!isStream(body)) return t.fail('not a stream')
        await t.rejects(readLate(body))
        const { status } = await ask()
        t.equal(status, 200, 'the next one has a connection of its own')
      }
    }
  }
})

t.test(
  'a signal ends an exchange that waits for its turn, for its answer, or for the rest of it',
  async t => {
    let isGone = 0
    const ask = await open(t, (request, response) => {
      request.socket.once('close', () => {
        isGone += 1
      })
      response.writeHead(200).write('begun')
    })
    const reason = new Error('enough')
    const ended = () => AbortSignal.abort(reason)
    await t.rejects(ask(ended()), reason)

    const stop = new AbortController()
    const { body } = await ask(stop.signal)
    const waiting = new AbortController()
    const inTurn = ask(waiting.signal)
    waiting.abort(reason)
    await t.rejects(inTurn, reason, 'there is one connection')
    stop.abort(reason)
    if (isStream(body)) await t.rejects(body.toArray(), reason)
    await until('its connection is closed', () => isGone > 0)

    const { body: unwanted } = await ask()
    if (isStream(unwanted)) unwanted.destroy()
    const before = isGone
    await until('so is that of a body that nobody wants', () => isGone > before)
  },
)

t.test('a signal is let go of when all is said', async t => {
  for (const length of [10, 2 * SMALL_BODY_BYTES]) {
    const ask = await open(t, (_request, response) => {
      response.end(Buffer.alloc(length))
    })
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = signal
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1
      addEventListener.apply(signal, args)
    }
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1
      removeEventListener.apply(signal, args)
    }
    const asked = ask(signal)
    t.equal(listeners, 1)
    const { body } = await asked
    if (isStream(body)) await body.toArray()
    await until('nobody listens', () => listeners <= 0)
  }
})
