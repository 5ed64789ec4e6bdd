import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { uniqueImage } from '../../test/images/noise.ts'
import type { Random } from '../../test/images/random.ts'
import { chunkOf, type Door, doorsOf, endless } from '../door.ts'
import type { Fault } from '../fault.ts'
import { type Ending, type PiecesAnswer, sendPieces } from '../pieces.ts'
import type { Scene } from '../scene.ts'

/** Largest upload of the system, in bytes: small, so that too large a one is sent soon. */
const MOST_BYTES = 2_000_000
/** What may be under way in buffers when the answer to an endless upload comes, in bytes. */
const SLACK_BYTES = 64_000_000
/** Sides of the images: one goes through whole, one as a stream. */
const SIDES = [64, 320]
const SHARES = [0.01, 0.1, 0.5, 0.99]
/** How many bytes more or fewer are announced than come. */
const OFF = 1_000
/** How long a temporary file may outlive its upload, in ms. */
const LEFT_MS = 2_000

/** An upload that is broken in some way, as it goes over the wire. */
interface Broken {
  readonly how: string
  readonly pieces: Iterable<Buffer>
  readonly ending: Ending
  /** What has been uploaded if it is acknowledged all the same. */
  readonly meant: () => Buffer
  /** True when that cannot become a result. */
  readonly mayFail?: boolean
}

export const brokenUploads: Fault = {
  name: 'T19',
  says: 'uploads cut at 1, 10, 50, 99 % and before the last byte, of a wrong length, of chunks without end',
  rounds: { full: 200, short: 0 },
  async run({ rounds, random, open }) {
    // What is left over is not swept before it is seen.
    const env = { MAX_UPLOAD_BYTES: String(MOST_BYTES), ABANDONED_MS: '20000' }
    const scene = await open({ system: { env }, pauseMs: 50 })
    const doors = doorsOf(scene.system)
    let sent = 0
    let acknowledged = 0
    let mostBytes = 0
    for (let round = 0; round < rounds; round += 1)
      for (const door of doors)
        for (const side of SIDES)
          for (const broken of brokenAt(door, random, side)) {
            const answer = await sendPieces(door.url, broken.pieces, broken)
            sent += 1
            if (answer.status === 200) acknowledged += takeWord(scene, door, broken, answer)
            mostBytes = Math.max(mostBytes, answer.sentBytes)
            if (answer.sentBytes > MOST_BYTES + SLACK_BYTES)
              scene.findings.broke('I10', `${door.name} read ${answer.sentBytes} bytes: ${broken.how}`)
          }
    const left = await listLeft(scene)
    for (const name of left) scene.findings.broke('I7', `a broken upload left ${name}`)
    const says = `${sent} broken uploads at ${doors.length} services, ${acknowledged} acknowledged since their image was complete; ${left.length} temporary files left after ${LEFT_MS} ms; at most ${(mostBytes / 1e6).toFixed(1)} MB taken of one without end, of ${MOST_BYTES / 1e6} MB allowed`
    return { figures: [{ says }], findings: await scene.end() }
  },
}

function* brokenAt(door: Door, random: Random, side: number): Generator<Broken> {
  const image = uniqueImage(random.next(), { width: side, height: side })
  const body = Buffer.concat([door.before, image, door.after])
  const full = door.head(`Content-Length: ${body.length}`)
  const chunked = door.head('Transfer-Encoding: chunked')
  const ending = () => (random.below(2) === 0 ? 'reset' : 'close')
  const meant = () => image
  const cuts = [...SHARES.map(share => Math.floor(share * body.length)), body.length - 1]
  for (const length of cuts) {
    const how = `cut after ${length} of ${body.length} bytes`
    yield { how, pieces: [full, body.subarray(0, length)], ending: ending(), meant }
    const pieces = [chunked, chunkOf(body.subarray(0, length))]
    yield { how: `${how}, chunked`, pieces, ending: ending(), meant }
  }
  const more = door.head(`Content-Length: ${body.length + OFF}`)
  yield { how: 'shorter than announced', pieces: [more, body], ending: 'close', meant }
  const fewer = door.head(`Content-Length: ${body.length - OFF}`)
  // Without a form around it, what was announced is a whole request, and a broken image.
  const rest = door.name === 'master' ? () => image.subarray(0, -OFF) : meant
  if (door.name !== 'storage')
    yield { how: 'longer than announced', pieces: [fewer, body], ending: 'close', meant: rest, mayFail: true }
  yield { how: 'chunks without end', pieces: endlessChunks(chunked, door, image), ending: 'wait', meant }
}

function* endlessChunks(head: Buffer, door: Door, image: Buffer): Generator<Buffer> {
  yield head
  yield chunkOf(Buffer.concat([door.before, image.subarray(0, -1)]))
  yield* endless(chunkOf(Buffer.alloc(64 * 1024, 1)))
}

/** Somebody said yes to it: then it is a promise like any other. */
function takeWord({ promise, findings }: Scene, door: Door, broken: Broken, { text }: PiecesAnswer): number {
  const { how, meant, mayFail = false } = broken
  if (door.name === 'storage') {
    findings.broke('I2', `storage said yes to an upload that was ${how}`)
    return 0
  }
  promise(text.trim(), meant, { mayFail })
  return 1
}

/** Temporary files that are still there a while later: whoever writes now is done by then. */
async function listLeft({ system }: Scene): Promise<string[]> {
  const list = () => readdirSync(join(system.dataDir, 'storage', 'incoming'))
  const before = list()
  await delay(LEFT_MS)
  const after = new Set(list())
  return before.filter(name => after.has(name))
}
