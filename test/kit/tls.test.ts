import { once } from 'node:events'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { createServer as createPlainServer } from 'node:net'
import { Readable } from 'node:stream'
import type { SecureVersion, Server as TlsServer } from 'node:tls'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { createClient } from '../../kit/client.ts'
import { confirmed, createConnector, isConnectFailure } from '../../kit/connector.ts'
import { type Credentials, openCredentials } from '../../kit/credentials.ts'
import { silent } from '../../kit/log.ts'
import type { Entry } from '../../kit/peer.ts'
import { createTransport } from '../../kit/transport.ts'
import { createAuthorities, type Files, open, readAll, test } from './authority.ts'
import { buildToy, listen, portOf, toyContract } from './toy.ts'
import { openBareServer, ask as say, until } from './wire.ts'

/** A client of ours, and what was warned of. */
function connect(t: Test, entries: readonly Entry[], credentials: Credentials) {
  const warnings: string[] = []
  const transport = createTransport({
    service: 'toy',
    secret: 'the secret',
    credentials,
    trustsPlain: false,
    allowedHosts: [],
    warn: message => void warnings.push(message),
  })
  t.teardown(() => transport.close())
  transport.setEntries(entries)
  return { ask: createClient(toyContract, transport), warnings }
}

interface Shown {
  readonly ca: string | Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
  readonly maxVersion?: SecureVersion
}

/** What somebody who connects like this is told by /health: a status, or why nothing. */
async function askLike(t: Test, address: string, how: Shown): Promise<number | string> {
  const dispatcher = new Agent({ connect: { ...how } })
  t.teardown(() => dispatcher.close())
  try {
    const { statusCode, body } = await request(`https://${address}/health`, { dispatcher })
    await body.dump()
    return statusCode
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error)
  }
}

test('only who shows a certificate of the authority that still holds is heard', async t => {
  const [own, other] = createAuthorities(t)
  const app = buildToy(t, {}, { serverCredentials: open(t, own.issue('server')) })
  const address = await listen(app)
  let requests = 0
  app.server.on('request', () => {
    requests += 1
  })
  const ca = readFileSync(own.ca)
  const strangers: [string, Shown][] = [
    ['nobody', { ca }],
    ['one of another authority', { ...readAll(other.issue('stranger')), ca }],
    ['one that has ended', readAll(own.issue('ended', { days: -1 }))],
    ['one that is for servers alone', readAll(own.issue('half', { usage: 'serverAuth' }))],
    ['one who speaks TLS 1.2', { ...readAll(own.issue('old')), maxVersion: 'TLSv1.2' }],
  ]
  for (const [name, how] of strangers) {
    const told = await askLike(t, address, how)
    t.type(told, 'string', `${name} is told ${told}`)
  }
  t.equal(requests, 0)
  t.equal(await askLike(t, address, readAll(own.issue('client'))), 200)
  t.equal(requests, 1)
})

test('a plain request on a TLS port is told nothing', async t => {
  const [own] = createAuthorities(t)
  const app = buildToy(t, {}, { serverCredentials: open(t, own.issue('server')) })
  const address = await listen(app)
  t.equal(await say(t, portOf(app), `GET /health HTTP/1.1\r\nHost: ${address}\r\n\r\n`), '')
})

test('a server that speaks TLS has the limits of one that does not', async t => {
  const [own] = createAuthorities(t)
  const limitsOf = (app: ReturnType<typeof buildToy>) => {
    const { headersTimeout, requestTimeout, keepAliveTimeout, timeout, maxRequestsPerSocket } = app.server
    return { headersTimeout, requestTimeout, keepAliveTimeout, timeout, maxRequestsPerSocket }
  }
  const secure = buildToy(t, {}, { serverCredentials: open(t, own.issue('server')) })
  t.same(limitsOf(secure), limitsOf(buildToy(t)))
})

test('/health of an inner service says when its certificate ends, that of a public one asks for none', async t => {
  const [own] = createAuthorities(t)
  const files = own.issue('server')
  const serverCredentials = open(t, files)
  const inner = await listen(buildToy(t, {}, { serverCredentials }))
  const dispatcher = new Agent({ connect: readAll(files) })
  t.teardown(() => dispatcher.close())
  const { body } = await request(`https://${inner}/health`, { dispatcher })
  t.match(await body.json(), { certificateEndsAt: serverCredentials.current().endsAt.toISOString() })

  const { cert, key } = files
  const shown = openCredentials({ prefix: 'PUBLIC_TLS', cert, key, minVersion: 'TLSv1.2' })
  const outer = await listen(buildToy(t, {}, { serverCredentials: shown, guard: undefined }))
  const visitor = new Agent({ connect: { ca: readFileSync(own.ca), maxVersion: 'TLSv1.2' } })
  t.teardown(() => visitor.close())
  const said = await request(`https://${outer}/health`, { dispatcher: visitor })
  t.equal(said.statusCode, 200)
  t.notOk('certificateEndsAt' in ((await said.body.json()) as object))
})

test('services of one authority send each other everything, by address and by name', async t => {
  const [own] = createAuthorities(t)
  const chained = own.delegate('between')
  const serverCredentials = open(t, chained.issue('server'))
  const credentials = open(t, own.issue('client'))
  const options = { serverCredentials, guard: { secrets: ['the secret'] } }
  const port = portOf(await listening(buildToy(t, {}, options)))
  for (const value of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    const { ask } = connect(t, [{ value, instance: 'toy-1' }], credentials)
    t.same(await ask.byId({ id: 7 }), { id: 7 })
    const stream = () => Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_000)])
    t.equal(await ask.count({}, { body: { data: stream() } }), '200000')
    t.equal(await ask.count({}, { body: { data: stream(), length: 200_000 } }), '200000')
    t.same(await ask.byId({ id: 8, wait: 1 }), { id: 8 })
  }
})

async function listening(app: ReturnType<typeof buildToy>) {
  await listen(app)
  return app
}

test('who shows a wrong certificate, or none, is not even asked who it is', async t => {
  const [own, other] = createAuthorities(t)
  const credentials = open(t, own.issue('client'))
  const health = { service: 'toy', instance: 'toy-1', version: '0', ready: true }
  const wrong: [string, Files, RegExp][] = [
    ['one of another authority', other.issue('stranger'), /SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY/],
    [
      'one for another host',
      own.issue('elsewhere', { hosts: ['IP:127.0.0.2', 'DNS:toys.example'] }),
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    ['one that has ended', own.issue('ended', { days: -1 }), /CERT_HAS_EXPIRED/],
    ['one that is for clients alone', own.issue('half', { usage: 'clientAuth' }), /INVALID_PURPOSE/],
  ]
  const plain = await openBareServer(t, (_request, response) => response.end(JSON.stringify(health)))
  const places: [string, string, string[], RegExp][] = [
    ['no TLS at all', plain.address, plain.requests, /ERR_SSL_/],
  ]
  for (const [name, files, why] of wrong) {
    const requests: string[] = []
    const server = createServer(readAll(files), (request, response) => {
      requests.push(`${request.method} ${request.url}`)
      response.end(JSON.stringify(health))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => server.close())
    places.push([name, `127.0.0.1:${(server.address() as { port: number }).port}`, requests, why])
  }
  for (const [name, value, requests, why] of places) {
    const { ask, warnings } = connect(t, [{ value, instance: 'toy-1' }], credentials)
    const leaving = new AbortController()
    const answer = ask.count({}, { body: { data: Buffer.from('hush') }, signal: leaving.signal })
    answer.catch(() => {})
    await until(`${name} is warned of`, () => warnings.length > 0)
    leaving.abort()
    await t.rejects(answer, { name: 'AbortError' })
    t.match(warnings[0], why, name)
    t.match(warnings[0], /^an address of toy is not believed: /)
    t.same(requests, [], name)
  }
})

test('an upload goes on to the next instance when the first one’s new connection is not believed', async t => {
  const [own, other] = createAuthorities(t)
  const serverCredentials = open(t, own.issue('server'))
  const apps = [0, 1].map(i => buildToy(t, {}, { serverCredentials, instance: `toy-${i}` }))
  const values = await Promise.all(apps.map(listen))
  const entries = values.map((value, i) => ({ value, instance: `toy-${i}` }))
  const { ask } = connect(t, entries, open(t, own.issue('client')))
  // Both are known, over connections that stay; one of them shows strangers' papers from now on.
  for (let i = 0; i < 10; i++) await ask.byId({ id: i })
  const server = apps[0]?.server as unknown as TlsServer
  server.setSecureContext(readAll(other.issue('stranger')))
  for (let i = 0; i < 4; i++) {
    const data = Readable.from([Buffer.alloc(100_000), Buffer.alloc(100_000)])
    t.equal(await ask.count({}, { body: { data } }), '200000')
  }
})

test('certificate and authority are replaced, step by step, while requests go on', async t => {
  const [own, other] = createAuthorities(t)
  const files = own.issue('all')
  const credentials = open(t, files)
  credentials.follow(silent)
  const app = buildToy(t, {}, { serverCredentials: credentials })
  const value = await listen(app)
  const { ask } = connect(t, [{ value, instance: 'toy-1' }], credentials)
  const renewed = async (replace: () => void) => {
    const before = credentials.current()
    replace()
    await until('it is taken up', () => credentials.current() !== before)
    // Kept connections are not asked again; these go.
    app.server.closeAllConnections()
    t.same(await ask.byId({ id: 7 }), { id: 7 })
  }
  const old = own.issue('old')
  const next = other.issue('next')
  const authorities = [files.ca, next.ca].map(path => readFileSync(path, 'utf8'))
  await renewed(() => writeFileSync(files.ca, authorities.join('')))
  await renewed(() => {
    copyFileSync(next.cert, files.cert)
    copyFileSync(next.key, files.key)
  })
  t.equal(
    await askLike(t, value, { ...readAll(next), ca: authorities[1] ?? '' }),
    200,
    'it shows the new one',
  )
  await renewed(() => writeFileSync(files.ca, authorities[1] ?? ''))
  t.type(await askLike(t, value, { ...readAll(old), ca: authorities[1] ?? '' }), 'string')
})

test('a connection that is cut before its handshake is over has sent nothing', async t => {
  const [own] = createAuthorities(t)
  const server = createPlainServer(socket => void socket.resetAndDestroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const connect = confirmed(createConnector(open(t, own.issue('client')), 1_000), async () => {})
  const options = { hostname: '127.0.0.1', host: '127.0.0.1', protocol: 'https:', port: String(port) }
  const error = await new Promise<unknown>(resolve => connect(options, (...said) => resolve(said[0])))
  t.match(error, { code: 'ECONNRESET' })
  t.ok(isConnectFailure(error))
  const same = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  t.notOk(isConnectFailure(same), 'which it may have later')
})
