import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { sampleMemory } from './memory.ts'
import { scaled } from './scale.ts'
import { startSystem } from './system.ts'
import { type Answer, upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

const MB = 1024 * 1024
const UPLOADS = scaled(200, 8)
const UPLOAD_BYTES = 5_000_000
/** Room for three of them at once. */
const ROOM = { MAX_BYTES_UNDER_WAY: '16000000' }
const MOST_BYTES = 512 * MB

t.setTimeout(UPLOADS * 5_000 + 200_000)

/** Asks /health of every service over and over, until it is stopped; gives how often, and what was not 200. */
function askHealth(urls: readonly string[]) {
  let isOver = false
  let asked = 0
  const wrong: string[] = []
  const run = async () => {
    while (!isOver) {
      for (const url of urls) {
        const status = await request(`${url}/health`).then(
          async ({ statusCode, body }) => {
            await body.dump()
            return statusCode
          },
          error => String(error),
        )
        asked += 1
        if (status !== 200) wrong.push(`${url}: ${status}`)
      }
      await delay(50)
    }
  }
  const running = run()
  return async () => {
    isOver = true
    await running
    return { asked, wrong }
  }
}

t.test(`${UPLOADS} uploads of 5 MB at once, with room for three: refused in order, none is lost`, async t => {
  const system = await startSystem(t, { env: ROOM })
  const { frontend } = system.urls
  const stopAsking = askHealth(Object.values(system.urls))
  const memory = sampleMemory(system.pids, { intervalMs: 250 })
  const image = new Blob([new Uint8Array(largeImage(1, UPLOAD_BYTES))])
  const refusals: Answer[] = []
  /** Comes back when it is told to, until it is taken in. */
  const visit = async (): Promise<string> => {
    for (;;) {
      const answer = await upload(frontend, image)
      if (answer.id !== undefined) return answer.id
      refusals.push(answer)
      await delay((answer.retryAfter ?? 60) * 1_000)
    }
  }
  const ids = await Promise.all(Array.from({ length: UPLOADS }, visit))
  t.equal(new Set(ids).size, UPLOADS)
  for (const id of ids) t.equal(await waitUntilDone(frontend, id, UPLOADS * 5_000), 'ready')

  t.ok(refusals.length > 0, 'it was too much')
  const wrong = refusals.filter(
    ({ status, retryAfter = 0 }) => status !== 503 || retryAfter < 1 || retryAfter > 60,
  )
  t.same(wrong, [])
  const others = refusals.filter(({ text }) => !text.includes('Too much is being uploaded'))
  t.same(others, [], 'the frontend refuses before it reads the form')
  const health = await stopAsking()
  t.same(health.wrong, [])
  const peaks = Object.entries(memory.stop())
  for (const [name, peak] of peaks) t.ok(peak < MOST_BYTES, `${name}: ${Math.round(peak / MB)} MB`)
  const most = Math.round(Math.max(...peaks.map(([, peak]) => peak)) / MB)
  const waits = refusals.map(({ retryAfter = 0 }) => retryAfter)
  t.comment(`${UPLOADS} uploads: ${refusals.length} refusals, told to wait 1 to ${Math.max(...waits)} s`)
  t.comment(`at most ${most} MB resident; /health asked ${health.asked} times`)
})

const SLOW = scaled(1_000, 60)
const PATIENCE_MS = 2_000

/** How many connections to this port a process holds: what it has asked others over does not count. */
function connectionsOf(pid: number, port: number): number {
  const folder = `/proc/${pid}/fd`
  const linkOf = (name: string) => {
    try {
      return readlinkSync(`${folder}/${name}`)
    } catch {
      return ''
    }
  }
  const held = new Set(readdirSync(folder).map(name => /^socket:\[(\d+)\]$/.exec(linkOf(name))?.[1]))
  // proc(5): behind a number the local address, the remote one and the state, of which 0A listens; the tenth is the inode.
  const rows = readFileSync(`/proc/${pid}/net/tcp`, 'utf8').trim().split('\n').slice(1)
  const own = port.toString(16).toUpperCase().padStart(4, '0')
  return rows
    .map(row => row.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${own}`) && state !== '0A')
    .filter(row => held.has(row[9])).length
}

/** A connection that says this, and then a byte now and then; or nothing, and reads nothing either. */
function openSlow(t: Test, port: number, start: string, isReader: boolean): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}).write(start)
  const timer = isReader ? undefined : setInterval(() => socket.writable && socket.write('x'), 200)
  if (!isReader) socket.resume()
  socket.once('close', () => clearInterval(timer))
  t.teardown(() => {
    clearInterval(timer)
    socket.destroy()
  })
  return socket
}

t.test(`${SLOW} slow connections are cut in their time, and honest visitors served meanwhile`, async t => {
  const system = await startSystem(t, { env: { PATIENCE_MS: String(PATIENCE_MS) } })
  const { frontend } = system.urls
  const port = Number(new URL(frontend).port)
  const pid = system.pids().frontend ?? 0
  const { id: large = '' } = await upload(frontend, largeImage(1, 20_000_000))
  t.equal(await waitUntilDone(frontend, large), 'ready')
  const before = connectionsOf(pid, port)

  const form = 'Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 900000'
  const part = '--x\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.png"\r\n\r\n'
  const starts = [
    'GET / HTTP/1.1\r\nX: ',
    `POST /submitTask HTTP/1.1\r\nHost: a\r\n${form}\r\n\r\n--x`,
    `POST /submitTask HTTP/1.1\r\nHost: a\r\n${form}\r\n\r\n${part}`,
    `GET /getImage?id=${large} HTTP/1.1\r\nHost: a\r\n\r\n`,
  ]
  const began = performance.now()
  for (let i = 0; i < SLOW; i += 1) openSlow(t, port, starts[i % 4] ?? '', i % 4 === 3)
  await waitFor('all are connected', () => connectionsOf(pid, port) >= before + SLOW)
  let served = 0
  const honest = async () => {
    while (connectionsOf(pid, port) > before + SLOW / 10) {
      const { id = '' } = await upload(frontend, uniqueImage(served))
      t.equal(await waitUntilDone(frontend, id), 'ready')
      served += 1
      if (performance.now() - began > 60_000)
        return t.fail(`${connectionsOf(pid, port) - before} are still there`)
    }
  }
  await honest()
  t.ok(served > 0, `${served} honest visitors`)
  t.comment(
    `${SLOW} slow connections gone after ${Math.round(performance.now() - began)} ms, of ${PATIENCE_MS} ms patience`,
  )
})
