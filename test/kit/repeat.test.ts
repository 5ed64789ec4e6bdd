import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { createClient } from '../../kit/client.ts'
import { createTransport } from '../../kit/transport.ts'
import { toyContract } from './toy.ts'
import { type BareServer, openBareServer, until } from './wire.ts'

const path = (request: { url?: string | undefined }) => request.url?.split('?')[0] ?? ''

/** Two toys. What comes to the first breaks its connection, which the test may change into an answer. */
async function openPair(t: Test) {
  const asked: string[] = []
  const open = (instance: string, isBreaking: () => boolean) =>
    openBareServer(t, (request, response) => {
      if (path(request) === '/health')
        return void response.end(JSON.stringify({ service: 'toy', instance, version: '0', ready: true }))
      let body = ''
      request.setEncoding('utf8').on('data', piece => {
        body += piece
        if (isBreaking()) request.destroy()
      })
      request.on('error', () => {})
      asked.push(`${instance} ${path(request)}`)
      if (path(request) === '/rows') return
      if (isBreaking() && request.method === 'GET') return void request.destroy()
      request.on('end', () => {
        const answers: Record<string, string> = { '/byId': '{"id":7}', '/count': String(body.length) }
        response.end(answers[path(request)] ?? 'success')
      })
    })
  let isBreaking = false
  const servers = [await open('toy-1', () => isBreaking), await open('toy-2', () => false)]
  const transport = createTransport({
    service: 'toy',
    trustsPlain: false,
    allowedHosts: [],
    warn: t.comment,
    // Each round has the order of the entries.
    random: () => 0,
  })
  t.teardown(() => transport.close())
  transport.setEntries(servers.map(({ address: value }, i) => ({ value, instance: `toy-${i + 1}` })))
  const ask = createClient(toyContract, transport)
  await until('both have been found', async () => {
    await ask.byId({ id: 7 })
    return new Set(asked).size === 2
  })
  // The next in turn is the first: the second was asked last.
  while (!asked.at(-1)?.startsWith('toy-2')) await ask.byId({ id: 7 })
  asked.length = 0
  isBreaking = true
  const heal = () => {
    isBreaking = false
  }
  return { ask, asked, heal, first: servers[0] as BareServer }
}

t.test('a question is asked again elsewhere when its connection breaks', async t => {
  const { ask, asked } = await openPair(t)
  t.same(await ask.byId({ id: 7 }), { id: 7 })
  t.same(asked, ['toy-1 /byId', 'toy-2 /byId'])
})

t.test('what may be said twice is said again when its connection breaks, if its body is at hand', async t => {
  const { ask, asked } = await openPair(t)
  t.equal(await ask.put({}, { body: { data: Buffer.from('abc') } }), 'success')
  t.same(asked, ['toy-1 /put', 'toy-2 /put'])
})

t.test('what may not be said twice is not said again: nobody knows whether it was heard', async t => {
  const { ask, asked } = await openPair(t)
  await t.rejects(ask.count({}, { body: { data: Buffer.from('abc') } }), { code: 'unavailable' })
  t.same(asked, ['toy-1 /count'])
})

t.test('a stream is not sent twice', async t => {
  const { ask, asked } = await openPair(t)
  await t.rejects(ask.put({}, { body: { data: Readable.from(['abc', 'def']) } }), { code: 'unavailable' })
  t.same(asked, ['toy-1 /put'])
})

t.test('what never reached the other side is said to another, whatever it is', async t => {
  const { ask, asked, first } = await openPair(t)
  const bodies = Array.from({ length: 6 }, () => ask.count({}, { body: { data: Buffer.from('abc') } }))
  await Promise.allSettled(bodies)
  asked.length = 0
  await first.close()
  for (let i = 0; i < 6; i++) t.equal(await ask.count({}, { body: { data: Buffer.from('abc') } }), '3')
  t.same(asked, Array(6).fill('toy-2 /count'))
})

t.test('what could not be connected is said to another, also by a process that is there', async t => {
  const { ask, asked, first, heal } = await openPair(t)
  heal()
  const leaving = new AbortController()
  // They keep every connection busy, so that the next request to the first needs a new one.
  const held = Array.from({ length: 6 }, () => ask.rows({}, { signal: leaving.signal }).catch(() => {}))
  await until('all are held', () => asked.length === 6)
  asked.length = 0
  first.stopListening()
  for (let i = 0; i < 2; i++) t.equal(await ask.count({}, { body: { data: Buffer.from('abc') } }), '3')
  t.same(asked, ['toy-2 /count', 'toy-2 /count'])
  leaving.abort()
  await Promise.all(held)
})
