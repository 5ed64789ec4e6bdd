import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import t from 'tap'
import { rawRequest, sendRaw } from '../../faults/raw.ts'
import { encodePng } from '../images/encode.ts'
import { plain } from '../images/formats.ts'
import { largeImage } from '../images/noise.ts'
import { advisories, isAtLeast } from './advisories.ts'
import { residentBytes } from './memory.ts'
import { startSystem } from './system.ts'
import { waitFor } from './waiting.ts'

/** Larger than what is under way anywhere between two services. */
const LARGE_BYTES = 40_000_000
const READERS = 4
const MAX_UPLOAD_BYTES = 200_000
const AUDIT_MS = 30_000

t.setTimeout(300_000)

t.test('no library that runs is installed in a version that an advisory warns of', t => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { version: string; dev?: boolean }>
  }
  for (const { cve, library, fixed, says } of advisories) {
    const installed = Object.entries(packages).filter(
      ([path, { dev = false }]) => !dev && path.endsWith(`node_modules/${library}`),
    )
    t.ok(installed.length > 0, `${library} is there`)
    for (const [path, { version }] of installed) {
      if (fixed === undefined) t.comment(`${cve}: ${library} ${version}; ${says}`)
      else t.ok(isAtLeast(version, fixed), `${cve}: ${path} ${version} is not before ${fixed}: ${says}`)
    }
  }
  t.notOk(isAtLeast('3.2.5', '3.2.6'))
  t.notOk(isAtLeast('0.34.9', '0.35.0'))
  t.ok(isAtLeast('10.1.9', '7.4.1'))
  t.end()
})

t.test('npm knows of nothing high in what runs', async t => {
  const args = ['audit', '--omit=dev', '--json']
  const run = promisify(execFile)('npm', args, { timeout: AUDIT_MS })
  const { stdout } = await run.catch((error: { stdout?: string }) => ({ stdout: error.stdout ?? '' }))
  const found = parse(stdout).metadata?.vulnerabilities
  if (found === undefined) {
    t.pass('npm audit', { skip: 'the registry answers no npm audit' })
    return
  }
  t.same({ high: found.high, critical: found.critical }, { high: 0, critical: 0 })
})

t.test('what the advisories describe does no harm', async t => {
  const env = { MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES), MAX_RESULT_BYTES: String(2 * LARGE_BYTES) }
  const system = await startSystem(t, { env: { ...env, LOG_LEVEL: 'warn' } })
  const { frontend, database, storage } = system.urls
  const image = encodePng(plain)
  const part = (head: string, body: Buffer | string = 'x') =>
    Buffer.concat([Buffer.from(`--edge\r\n${head}\r\n\r\n`), Buffer.from(body), Buffer.from('\r\n')])
  const file = (name = 'a.png', more = '') =>
    part(`Content-Disposition: form-data; name="uploadfile"; filename="${name}"${more}`, image)
  const last = Buffer.from('--edge--\r\n')
  const submit = async (pieces: readonly Buffer[], boundary = 'edge') => {
    const lines = [`Content-Type: multipart/form-data; boundary=${boundary}`]
    const body = Buffer.concat(pieces)
    const request = rawRequest(frontend, { method: 'POST', target: '/submitTask', lines, body })
    return (await sendRaw(frontend, request)).statuses.at(-1)
  }

  await t.test('multipart: as many parts as there are', async t => {
    const fields = Array.from({ length: 10_000 }, (_, i) =>
      part(`Content-Disposition: form-data; name="f${i}"`),
    )
    const files = Array.from({ length: 1_000 }, () =>
      part('Content-Disposition: form-data; name="x"; filename="x"'),
    )
    t.equal(await submit([...fields, file(), last]), 413, 'fields')
    t.match(await submit([...files, last]), /^4/, 'files')
    t.match(await submit([...Array.from({ length: 10_000 }, () => part('X: y')), last]), /^4/, 'empty ones')
  })

  await t.test('multipart: headers with the names of Object.prototype', async t => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      t.equal(await submit([file('a.png', `\r\n${name}: x`), last]), 200, name)
    for (const name of ['__proto__', 'constructor'])
      t.match(
        await submit([part(`Content-Disposition: form-data; name="${name}"`), file(), last]),
        /^(4|200)/,
        name,
      )
  })

  await t.test('multipart: a boundary of 252 bytes, whose last one comes alone', async t => {
    const boundary = 'A'.repeat(252)
    const socket = connect(Number(new URL(frontend).port), '127.0.0.1')
    const type = `Content-Type: multipart/form-data; boundary=${boundary}`
    socket.write(`POST /submitTask HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: 1000\r\n\r\n`)
    socket.write(`--${boundary.slice(0, -1)}`)
    await sendRaw(frontend, rawRequest(frontend, { method: 'GET', target: '/health' }))
    socket.write('X')
    const after = rawRequest(frontend, { method: 'GET', target: '/health' })
    t.equal((await sendRaw(frontend, after)).statuses[0], 200)
    socket.destroy()
    t.match(
      await submit([Buffer.from(`--${boundary}\r\nX: y\r\n\r\n1\r\n--${boundary}--\r\n`)], boundary),
      /^4/,
    )
  })

  await t.test('multipart: bare CR and LF in the name of a file', async t => {
    for (const name of ['a\rb.png', 'a\nb.png'])
      t.match(await submit([file(name), last]), /^4/, JSON.stringify(name))
    for (const escaped of ['%0D', '%0A']) {
      const head = `Content-Disposition: form-data; name="uploadfile"; filename*=utf-8''a${escaped}b.png`
      t.match(await submit([part(head, image), last]), /^4/, escaped)
    }
  })

  await t.test('multipart: a body that ends in the middle', async t => {
    const skipped = Array.from({ length: 12 }, (_, i) => part(`Content-Disposition: form-data; name="f${i}"`))
    const cut = 'Content-Disposition: form-data; name="uploadfile"; filename="a.png"\r\n\r\nPNG'
    const half = (head: string) => Buffer.from(`--edge\r\n${head}`)
    t.match(await submit([half(cut)]), /^4/, 'in the file')
    t.match(await submit([file(), half(cut)]), /^(4|200)/, 'in a second file')
    t.match(await submit([...skipped, half(cut)]), /^4/, 'in a part too many')
    t.match(await submit([half('Content-Disposition: form-da')]), /^4/, 'in a header')
    t.match(await submit([Buffer.from('--ed')]), /^4/, 'in the boundary')
  })

  await t.test('multipart: a sender that breaks off behind the size limit', async t => {
    const head = 'Content-Disposition: form-data; name="uploadfile"; filename="a.png"'
    const body = Buffer.concat([part(head, largeImage(1, 2 * MAX_UPLOAD_BYTES))])
    for (const share of [0.4, 0.6, 0.9]) {
      const socket = connect(Number(new URL(frontend).port), '127.0.0.1')
      const type = 'Content-Type: multipart/form-data; boundary=edge'
      socket.write(
        `POST /submitTask HTTP/1.1\r\nHost: x\r\n${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
      )
      await new Promise(resolve => socket.write(body.subarray(0, share * body.length), resolve))
      socket.destroy()
      await once(socket, 'close')
    }
    t.equal(await submit([file(), last]), 200)
  })

  await t.test('Content-Type decides nothing about the check of a body', async t => {
    const types = [
      'application/json',
      'application/json\ta',
      ' application/json',
      'Application/JSON',
      'text/plain',
    ]
    const odd = [
      'application/json ; charset=utf-8',
      'application/json garbage',
      'application/jsonalert(1)',
      '',
      ';',
    ]
    for (const type of [...types, ...odd]) {
      const send = async (body: string) => {
        const lines = [`Content-Type: ${type}`]
        const request = rawRequest(database, {
          method: 'POST',
          target: '/setById',
          lines,
          body: Buffer.from(body),
        })
        return (await sendRaw(database, request)).statuses[0]
      }
      t.equal(await send('{"id":7,"state":9}'), 400, `${JSON.stringify(type)} with a body that is wrong`)
      t.equal(await send('{"id":7,"state":3}'), 404, `${JSON.stringify(type)} with one of nobody's task`)
    }
  })

  await t.test('who does not read his answer costs no memory', async t => {
    const target = '/sendImage?id=7&state=finished&attempt=1'
    const body = largeImage(2, LARGE_BYTES)
    const sent = await sendRaw(storage, rawRequest(storage, { method: 'POST', target, body }))
    t.equal(sent.statuses.at(-1), 200)
    const pid = system.pids().storage ?? 0
    const before = residentBytes(pid)
    const sockets = Array.from({ length: READERS }, () => connect(Number(new URL(storage).port), '127.0.0.1'))
    for (const socket of sockets)
      socket.write(`GET /getImage?id=7&state=finished HTTP/1.1\r\nHost: ${new URL(storage).host}\r\n\r\n`)
    await Promise.all(sockets.map(socket => once(socket, 'readable')))
    const health = rawRequest(storage, { method: 'GET', target: '/health' })
    for (let i = 0; i < 50; i += 1) await sendRaw(storage, health)
    const grown = residentBytes(pid) - before
    t.ok(grown < (READERS * LARGE_BYTES) / 2, `${grown} bytes more than before`)
    for (const socket of sockets) socket.destroy()
  })

  await t.test('and a picture goes through after all of it', async t => {
    const lines = ['Content-Type: multipart/form-data; boundary=edge']
    const request = { method: 'POST', target: '/submitTask', lines, body: Buffer.concat([file(), last]) }
    const { text } = await sendRaw(frontend, rawRequest(frontend, request))
    const id = text.split('\r\n\r\n')[1]?.trim()
    const ask = rawRequest(frontend, { method: 'GET', target: `/isReady?id=${id}` })
    await waitFor('the picture', async () => (await sendRaw(frontend, ask)).text.includes('is ready'))
    t.pass('it is ready')
  })
})

function parse(text: string): { metadata?: { vulnerabilities?: { high: number; critical: number } } } {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
