import t, { type Test } from 'tap'
import { buildToy, listen } from './toy.ts'
import { ask as say } from './wire.ts'

/** Asks with these header lines on a socket of its own; gives status and body. */
async function ask(t: Test, address: string, path: string, ...lines: string[]) {
  const port = Number(address.split(':')[1])
  const answer = await say(
    t,
    port,
    [`GET ${path} HTTP/1.1`, 'Connection: close', ...lines, '', ''].join('\r\n'),
  )
  return { status: Number(answer.slice(9, 12)), body: answer.split('\r\n\r\n')[1] ?? '', answer }
}

t.test('a page in a browser is refused: it sends an Origin, or a Host that is not ours', async t => {
  const address = await listen(buildToy(t))
  for (const origin of ['http://evil.example', `http://${address}`, 'null', ''])
    t.equal(
      (await ask(t, address, '/byId?id=1', `Host: ${address}`, `Origin: ${origin}`)).status,
      403,
      origin,
    )
  const port = address.split(':')[1]
  const foreign = ['evil.example', `evil.example:${port}`, 'localhost', 'localhost:1', `127.0.0.2:${port}`]
  const crooked = [
    `localhost:${port}.evil.example`,
    `evil.example#${address}`,
    `a@${address}`,
    '127.0.0.1',
    '',
  ]
  for (const host of [...foreign, ...crooked])
    t.equal((await ask(t, address, '/byId?id=1', `Host: ${host}`)).status, 403, host)
  t.equal((await ask(t, address, '/nothing', 'Host: evil.example')).status, 403, 'unknown paths too')
})

t.test('the loopback names and the advertised address are ours, with the port', async t => {
  const identity = { service: 'toy', instance: 'toy-1', version: '0', advertised: 'toys.example:9000' }
  const address = await listen(buildToy(t, {}, { identity }))
  const port = address.split(':')[1]
  for (const host of ['localhost', 'LOCALHOST', '127.0.0.1', '[::1]'])
    t.equal((await ask(t, address, '/byId?id=1', `Host: ${host}:${port}`)).status, 200, host)
  t.equal((await ask(t, address, '/byId?id=1', 'Host: toys.example:9000')).status, 200)
  t.equal((await ask(t, address, '/byId?id=1', 'Host: Toys.Example:9000')).status, 200)
  for (const host of [`toys.example:${port}`, 'toys.example', 'localhost:9000'])
    t.equal((await ask(t, address, '/byId?id=1', `Host: ${host}`)).status, 403, host)
})

t.test('a secret that is missing is 401, a wrong one 403, and each of two is let in', async t => {
  const guard = { secrets: ['the new secret', 'the old secret'] }
  const address = await listen(buildToy(t, {}, { guard }))
  const status = async (...lines: string[]) => {
    const { status, answer } = await ask(t, address, '/byId?id=1', `Host: ${address}`, ...lines)
    t.notMatch(answer, /the (new|old) secret/)
    return status
  }
  t.equal(await status(), 401)
  for (const secret of guard.secrets) {
    t.equal(await status(`Authorization: Bearer ${secret}`), 200, secret)
    t.equal(await status(`Authorization: bearer ${secret}`), 200, secret)
    for (const wrong of [`${secret}x`, secret.slice(1), secret.toUpperCase(), `"${secret}"`])
      t.equal(await status(`Authorization: Bearer ${wrong}`), 403, wrong)
    t.equal(await status(`Authorization: Basic ${secret}`), 403)
    t.equal(await status(`Authorization: ${secret}`), 403)
  }
  t.equal(await status('Authorization: Bearer'), 403)
  t.equal(await status(`Authorization: Bearer ${'x'.repeat(10_000)}`), 403)
  t.match((await ask(t, address, '/byId?id=1', `Host: ${address}`)).answer, /www-authenticate: Bearer/i)
  t.equal((await ask(t, address, '/nothing', `Host: ${address}`)).status, 401, 'unknown paths too')
})

t.test('/health is open to all and says who it is', async t => {
  const app = buildToy(t, {}, { guard: { secrets: ['the secret'] }, facts: () => ({ colour: 'green' }) })
  const address = await listen(app)
  const who = { service: 'toy', instance: 'toy-1', version: '0', ready: false, colour: 'green' }
  const callers = [[`Host: ${address}`], ['Host: evil.example'], [`Host: ${address}`, 'Origin: http://x']]
  for (const [asked, lines] of callers.entries()) {
    const { served, ...said } = JSON.parse((await ask(t, address, '/health', ...lines)).body)
    t.same(said, who)
    t.same(served, { '/health': asked + 1 })
  }
  app.isReady = true
  t.match(JSON.parse((await ask(t, address, '/health', `Host: ${address}`)).body), { ready: true })
})

t.test('a service for the public has no guard', async t => {
  const address = await listen(buildToy(t, {}, { guard: undefined }))
  t.equal((await ask(t, address, '/byId?id=1', 'Host: toys.example', 'Origin: http://x')).status, 200)
})

t.test('a name is ours however it is spelled, and with the port that the system chose', async t => {
  const spelled = { advertised: 'MyServer.Example:9000', reachedAt: 'FD00:0:0::1' }
  const identity = { service: 'toy', instance: 'toy-1', version: '0', ...spelled }
  const address = await listen(buildToy(t, {}, { identity }))
  const port = address.split(':')[1]
  for (const host of ['myserver.example:9000', `[fd00::1]:${port}`])
    t.equal((await ask(t, address, '/byId?id=1', `Host: ${host}`)).status, 200, host)
  for (const host of ['[fd00::1]:9000', '[fd00::1]', `myserver.example:${port}`])
    t.equal((await ask(t, address, '/byId?id=1', `Host: ${host}`)).status, 403, host)
})
