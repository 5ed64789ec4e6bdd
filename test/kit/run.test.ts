import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { freePorts } from '../system/ports.ts'
import { openWire, until } from './wire.ts'

const built = t.testdir()

let starts = 0

/** A service as a process of its own, with data of its own; it ends with the test. */
function start(t: Test, env: Record<string, string>, ...argv: string[]) {
  return run(t, env, process.execPath, 'dist/kv-store/main.js', ...argv)
}

function run(t: Test, env: Record<string, string>, command: string, ...argv: string[]) {
  starts += 1
  const child: ChildProcess = spawn(command, argv, {
    env: { PATH: '', KV_STORE_PORT: '0', DATA_DIR: join(built, `data-${starts}`), ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...('STANDBY_FD' in env ? (['pipe'] as const) : [])],
  })
  const said = { out: '', error: '' }
  child.stdout?.setEncoding('utf8').on('data', piece => {
    said.out += piece
  })
  child.stderr?.setEncoding('utf8').on('data', piece => {
    said.error += piece
  })
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const port = async () => {
    await until('it is ready', () => /"msg":"ready"/.test(said.out) || child.exitCode !== null)
    return Number(/"address":"127\.0\.0\.1:([0-9]+)"/.exec(said.out)?.[1])
  }
  return { child, said, ended, port }
}

t.test('SIGTERM ends a service in order, with 0, also while somebody waits for an answer', async t => {
  const service = start(t, {})
  const port = await service.port()
  const wire = await openWire(t, port)
  const host = `Host: 127.0.0.1:${port}`
  wire.say(`GET /watch?key=a&since=9000000000000000 HTTP/1.1\r\n${host}\r\n\r\n`)
  const { revision } = JSON.parse(/\{.*\}/.exec(await wire.hears(/\{.*\}/))?.[0] ?? '')
  wire.say(`GET /watch?key=a&since=${revision}&wait=60 HTTP/1.1\r\n${host}\r\n\r\n`)
  const idle = await openWire(t, port)
  idle.say(`GET /health HTTP/1.1\r\n${host}\r\n\r\n`)
  await idle.hears(/"ready":true/)
  const began = performance.now()
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 0)
  t.ok(performance.now() - began < 3_000, 'at once: nothing was under way')
  t.match(wire.heard(), /\{.*\}[\s\S]*\{.*\}/, 'who waited got an answer')
  t.match(service.said.out, /draining[\s\S]*ended/)
  t.equal(service.said.error, '')
})

t.test('a bug that nobody caught ends a service, and stands in its log', async t => {
  const bug = 'process.on("SIGUSR2", () => { throw new Error("a planted bug") })'
  const planted = ['--import', `data:text/javascript,${bug}`, 'dist/kv-store/main.js']
  const service = run(t, {}, process.execPath, ...planted)
  await service.port()
  service.child.kill('SIGUSR2')
  t.equal(await service.ended, 1)
  const last = JSON.parse(service.said.out.trim().split('\n').at(-1) ?? '')
  t.match(last, { level: 60, service: 'kv-store', msg: 'a bug: ending', err: { message: 'a planted bug' } })
  t.match(service.said.error, 'a planted bug')
})

t.test('one that stands by is loaded, opens nothing, and begins when it is its turn', async t => {
  for (const by of ['an end', 'SIGTERM'] as const) {
    const service = start(t, { STANDBY_FD: '3' })
    const socket = service.child.stdio[3] as Socket
    await once(socket, 'data')
    await delay(300)
    t.equal(service.said.out, '')
    t.throws(() => readdirSync(join(built, `data-${starts}`)), { code: 'ENOENT' })
    if (by === 'SIGTERM') {
      service.child.kill('SIGTERM')
      t.equal(await service.ended, 'SIGTERM')
      continue
    }
    socket.destroy()
    t.ok((await service.port()) > 0)
  }
})

t.test('a second signal ends a service at once that waits for what is under way', async t => {
  const service = start(t, {})
  const port = await service.port()
  const wire = await openWire(t, port)
  wire.say(`POST /set?key=a&value=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 9\r\n`)
  const other = await openWire(t, port)
  other.say(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await other.hears(/ready/)
  service.child.kill('SIGTERM')
  await until('it drains', () => service.said.out.includes('draining'))
  t.equal(service.child.exitCode, null)
  service.child.kill('SIGTERM')
  t.equal(await service.ended, 1)
  t.match(service.said.out, /again: ending at once/)
})

t.test('a port in use is one line, and 1', async t => {
  const first = start(t, {})
  const port = await first.port()
  const second = start(t, { KV_STORE_PORT: String(port) })
  t.equal(await second.ended, 1)
  t.equal(second.said.error, `kv-store: port ${port} of 127.0.0.1 is in use\n`)
})

t.test('what cannot be started says why in one line', async t => {
  const cases: [Record<string, string>, string[], number, RegExp][] = [
    [{}, ['--nonsense'], 2, /^kv-store: Unknown option '--nonsense'\n$/],
    [{ KV_STORE_PORT: 'x' }, [], 2, /^kv-store: KV_STORE_PORT is not a whole number\n$/],
    [{ HOST: '0.0.0.0', OWN: '10.0.0.7:3000' }, [], 1, /^kv-store: HOST 0\.0\.0\.0 is not loopback, .*\n$/],
    [{ DATA_DIR: '/dev/null/x' }, [], 1, /^kv-store: its data cannot be opened: .*\n$/],
  ]
  await Promise.all(
    cases.map(async ([env, argv, status, line]) => {
      const service = start(t, env, ...argv)
      t.equal(await service.ended, status, String(line))
      t.match(service.said.error, line)
    }),
  )
})

t.test('--help prints the settings and ends', async t => {
  const service = start(t, {}, '--help')
  t.equal(await service.ended, 0)
  t.match(service.said.out, /--kv-store-port +KV_STORE_PORT +3000 +TCP port/)
})

t.test('a service that may open few files serves on, however many connect', async t => {
  const service = run(
    t,
    {},
    '/bin/sh',
    '-c',
    'ulimit -n 64; exec "$0" dist/kv-store/main.js',
    process.execPath,
  )
  const port = await service.port()
  const idle = await Promise.all(Array.from({ length: 80 }, () => openWire(t, port)))
  const wire = await openWire(t, port)
  wire.say(`POST /set?key=a&value=b HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  t.match(await wire.hears(/\r\n\r\n./), / 200 [\s\S]*success/)
  t.ok(
    idle.some(other => !other.isClosed()),
    'not at the cost of all',
  )
})

t.test('a log that cannot be written ends nobody, and no end that is in order', async t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const [port = 0] = await freePorts(1)
  const env = { KV_STORE_PORT: String(port), DATA_DIR: join(built, 'full') }
  const child = spawn(process.execPath, ['dist/kv-store/main.js'], { env, stdio: ['ignore', full, 'pipe'] })
  let said = ''
  child.stderr?.on('data', piece => {
    said += piece
  })
  const ended = once(child, 'close')
  t.teardown(() => child.kill('SIGKILL'))
  const isReady = () =>
    request(`http://127.0.0.1:${port}/health`).then(
      async ({ body }) => (await body.text()).includes('"ready":true'),
      () => false,
    )
  await until('it is ready', async () => child.exitCode !== null || (await isReady()))
  t.ok(await isReady())
  child.kill('SIGTERM')
  t.same(await ended, [0, null])
  t.equal(said, '')
})

t.test('SIGINT behind SIGTERM is no second signal: all stops, and in order', async t => {
  const service = start(t, {})
  const port = await service.port()
  const wire = await openWire(t, port)
  wire.say(`POST /set?key=a&value=1 HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 9\r\n\r\n`)
  const other = await openWire(t, port)
  other.say(`GET /health HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await other.hears(/ready/)
  service.child.kill('SIGTERM')
  await until('it drains', () => service.said.out.includes('draining'))
  service.child.kill('SIGINT')
  wire.say('123456789')
  await wire.hears(/success/)
  t.equal(await service.ended, 0)
  t.notMatch(service.said.out, /at once/)
})
