import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type OpenSystem, openSystem } from '../test/system/system.ts'
import type { PlainBench } from './bench.ts'
import { openClient } from './client.ts'
import { cpuOf } from './cpu.ts'
import { iconForm } from './forms.ts'
import { COLLECT_SIGNAL } from './garbage.ts'
import { formsFrom, openUploaders, putThrough } from './load.ts'
import type { Output } from './output.ts'
import { pssOf } from './pss.ts'
import { describeSpread, median, ratios } from './spread.ts'

/** Pages that are open, each with a stream about a task of its own. */
const STREAMS = 1_000
/** Connections that are made at a time. */
const AT_ONCE = 50
const ROUNDS = 15
/** Blocks of a third of it differ by a third. */
const PICTURES = 2_000
const WARM_UP = 4_000
/** Comes before each turn: what opening, closing and collecting leave behind is nobody's. */
const SETTLE = 200
const UPLOADERS = { lanes: 8, isClosed: false }
/** The tasks are granted plainly, which holds for so long, in ms: all rounds have to be over by then. */
const PLAIN_LEASE_MS = 3_600_000
/** Collecting has been over for long after so many ms, and what became free was given back. */
const REST_MS = 2_000
/** What all streams may take, in MB, and what may be left of the rate, and go to each picture. */
const MOST_MEMORY = 50
const LEAST_RATE = 0.97
const MOST_CPU = 1.03

interface Turn {
  readonly tookMs: number
  readonly cpuMs: number
}

/** Open pages beside a load of uploads, with and without them by turns. */
export const streams: PlainBench = {
  question: `What do ${STREAMS.toLocaleString('en')} open pages cost, each with a stream of events?`,
  async run(output, folder) {
    const collecting = pathToFileURL(join(import.meta.dirname, 'collecting.js'))
    const env = {
      NODE_OPTIONS: `--import ${collecting}`,
      PLAIN_LEASE_MS: String(PLAIN_LEASE_MS),
      MAX_STREAMS: String(2 * STREAMS),
    }
    const system = await openSystem({ dataDir: folder, env })
    try {
      await measure(output, system)
    } finally {
      await system.stop()
      await system.close()
    }
  },
}

async function measure(output: Output, system: OpenSystem): Promise<void> {
  const ids = await holdTasks(system)
  const uploaders = openUploaders(system, UPLOADERS.lanes)
  let made = 0
  const upload = async (count: number): Promise<Turn> => {
    const forms = formsFrom(iconForm, made, count)
    made += count
    const [before, began] = [cpuOfAll(system), performance.now()]
    await putThrough(system, uploaders, UPLOADERS, forms)
    return {
      tookMs: (performance.now() - began) / count,
      cpuMs: (cpuOfAll(system) - before) / count,
    }
  }
  const settled = async () => {
    await upload(SETTLE)
    return upload(PICTURES)
  }
  const collected = async () => {
    await frontendBytes(system)
    return settled()
  }
  await upload(WARM_UP)
  const turns: { without: Turn; beside: Turn }[] = []
  const taken: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const isFirst = round % 2 === 0
    const first = isFirst ? await collected() : undefined
    const before = await frontendBytes(system)
    const open = await openStreams(system, ids)
    taken.push(((await frontendBytes(system)) - before) / 1e6)
    const beside = await settled()
    for (const socket of open) socket.destroy()
    turns.push({ beside, without: first ?? (await collected()) })
  }
  await Promise.all(uploaders.map(uploader => uploader.close()))
  print(output, turns, taken)
}

function print(output: Output, turns: readonly { without: Turn; beside: Turn }[], taken: readonly number[]) {
  const of = (figure: keyof Turn) =>
    ratios(
      turns.map(({ beside }) => beside[figure]),
      turns.map(({ without }) => without[figure]),
    )
  const rate = of('tookMs').map(ratio => 1 / ratio)
  output.line(
    `\n${ROUNDS} rounds of ${PICTURES.toLocaleString('en')} icons with the streams and without, by turns`,
  )
  output.table(
    ['', 'median (least to most)'],
    [
      ['rate beside them, against without', describeSpread(rate)],
      ['CPU a picture of all six, against without', describeSpread(of('cpuMs'))],
      ['MB of the frontend for all of them: less once it has had some before', describeSpread(taken, 1)],
    ],
  )
  output.goal({ says: 'memory of all streams', unit: 'MB', found: Math.max(...taken), most: MOST_MEMORY })
  output.goal({ says: 'rate beside them, against without', found: median(rate), least: LEAST_RATE })
  output.goal({ says: 'CPU a picture, against without', found: median(of('cpuMs')), most: MOST_CPU })
}

/** Makes tasks that stay in progress: there is nothing to be fetched for them, and nobody who would. */
async function holdTasks(system: OpenSystem): Promise<number[]> {
  await system.kill('worker', 'SIGTERM')
  const database = openClient(system.urls.database as string, AT_ONCE)
  const ids: number[] = []
  for (let made = 0; made < STREAMS; made += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const id = Number(await database.ask({ method: 'POST', path: '/newTask' }))
        await database.ask({ method: 'POST', path: '/setById', body: JSON.stringify({ id, state: 1 }) })
        ids.push(id)
      }),
    )
  await database.close()
  await system.start('worker')
  return ids
}

/** Opens a stream for each task; resolves once each was told how its task stands. */
async function openStreams(system: OpenSystem, ids: readonly number[]): Promise<Socket[]> {
  const { port, host } = new URL(system.urls.frontend as string)
  const open: Socket[] = []
  for (let at = 0; at < ids.length; at += AT_ONCE)
    open.push(
      ...(await Promise.all(
        ids.slice(at, at + AT_ONCE).map(async id => {
          const socket = connect(Number(port), '127.0.0.1')
          socket.write(`GET /events?ids=${id} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
          for (let heard = ''; !heard.includes('data: '); ) {
            const [piece] = (await once(socket, 'data')) as [Buffer]
            heard += piece
          }
          return socket.resume()
        }),
      )),
    )
  return open
}

const cpuOfAll = (system: OpenSystem) =>
  Object.values(system.pids()).reduce((sum, pid) => sum + cpuOf(pid), 0)
/** What it has once its garbage is collected. */
async function frontendBytes(system: OpenSystem): Promise<number> {
  const pid = system.pids().frontend as number
  process.kill(pid, COLLECT_SIGNAL)
  await delay(REST_MS)
  return pssOf(pid)
}
