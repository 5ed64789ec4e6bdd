import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { createClient } from '../../kit/client.ts'
import { defineContract, get, text } from '../../kit/contract.ts'
import { createTransport } from '../../kit/transport.ts'
import { openBareServer } from './wire.ts'

const contract = defineContract({
  service: 'other',
  routes: { word: get('/word', { reply: text(z.string()), summary: 'a word' }) },
})
/** More than a client reads of an answer. */
const ENDLESS_BYTES = 200_000_000

t.test('a client asks for nothing packed, and unpacks nothing', async t => {
  const asked: (string | undefined)[] = []
  const packed = gzipSync(Buffer.alloc(1_000_000, 'a'))
  const server = await openBareServer(t, (request, response) => {
    asked.push(request.headers['accept-encoding'] as string | undefined)
    if (request.url === '/health') return void response.writeHead(404).end()
    response.setHeader('content-encoding', Array(1_000).fill('gzip').join(', '))
    response.end(packed)
  })
  const answer = await clientOf(t, server.address).word({})
  t.ok(answer.length <= packed.length, 'it is as it came')
  t.same([...new Set(asked)], ['identity'])
})

t.test('a client reads so much of an answer, and lets go of the rest', async t => {
  let sent = 0
  const server = await openBareServer(t, (request, response) => {
    if (request.url === '/health') return void response.writeHead(404).end()
    const piece = Buffer.alloc(64 * 1024, 'a')
    const write = () => {
      while (sent < ENDLESS_BYTES) {
        sent += piece.length
        if (!response.write(piece)) return
      }
      response.end()
    }
    response.on('drain', write)
    write()
  })
  await t.rejects(clientOf(t, server.address).word({}), { code: 'too-large' })
  t.ok(sent < ENDLESS_BYTES / 2, `${sent} bytes were sent`)
})

function clientOf(t: Test, value: string) {
  const options = { service: 'other', trustsPlain: true, allowedHosts: [], warn: () => {} }
  const transport = createTransport(options)
  t.teardown(() => transport.close())
  transport.setEntries([{ value }])
  return createClient(contract, transport)
}
