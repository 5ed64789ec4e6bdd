import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { ready } from '../../frontend/contract.ts'
import { differences } from '../oracle/compare.ts'
import { call } from './script.ts'

interface Frontend {
  readonly submit?: [number, string]
  readonly isReady?: [number, string]
  readonly image?: (upload: Buffer) => Buffer
}

/** A frontend that answers as the test says, and keeps what was uploaded. */
async function listen(
  t: Test,
  { submit = [200, '7\n'], isReady = [200, ready], image = it => it }: Frontend,
) {
  const kept = { upload: Buffer.alloc(0) }
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const form = Buffer.concat(pieces)
    if (form.length > 0) {
      const from = form.indexOf('\x89PNG', 0, 'latin1')
      kept.upload = form.subarray(from, form.indexOf('IEND') + 8)
    }
    const path = request.url?.split('?')[0]
    if (path === '/getImage') return response.end(image(kept.upload))
    const [status, text] = path === '/submitTask' ? submit : isReady
    return response.writeHead(status).end(text)
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { kept, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** What a worker makes of the script's image, done by hand: red and green of the palette, and its checksum. */
function exchange(upload: Buffer): Buffer {
  const result = Buffer.from(upload)
  const at = result.indexOf('PLTE') + 4
  for (let i = at; i < at + 12; i += 3) result.set([upload[i + 1] ?? 0, upload[i] ?? 0], i)
  result.set([0x24, 0xa2, 0x67, 0x91], at + 12)
  return result
}

async function smoke(url: string, env = {}) {
  const called = call('smoke.sh', [url], env)
  return { status: await called.status, said: called.said() }
}

t.test('a right result is a success, and the script’s own two images are right', async t => {
  const { url, kept } = await listen(t, { image: exchange })
  t.same(await smoke(url), { status: 0, said: 'task 7: uploaded, ready, fetched, as expected\n' })
  t.same(differences(kept.upload, exchange(kept.upload)), [])
})

t.test('every way to go wrong ends with one line and a status', async t => {
  const cases: [string, Frontend, RegExp][] = [
    ['the upload itself as the result', {}, /is not the expected image\n$/],
    ['a refused upload', { submit: [429, 'Too many.'] }, /^smoke.sh: the upload got 429: Too many\.\s*$/],
    ['no id', { submit: [200, 'Welcome'] }, /^smoke.sh: the upload got no id: Welcome\s*$/],
    ['a failed task', { isReady: [422, 'It is broken.'] }, /^smoke.sh: task 7 failed: It is broken\.\s*$/],
    [
      'never ready',
      { isReady: [200, 'Your image is not ready yet.'] },
      /^smoke.sh: task 7 is not ready after 1 s/,
    ],
  ]
  for (const [name, frontend, line] of cases) {
    const { url } = await listen(t, frontend)
    t.match(await smoke(url, { SMOKE_SECONDS: '1' }), { status: 1, said: line }, name)
  }
})

t.test('nobody there is said in one line', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await new Promise(resolve => server.close(resolve))
  t.same(await smoke(url), { status: 1, said: `smoke.sh: nobody answers at ${url}\n` })
  t.match(await smoke('--fast'), { status: 2 })
})
