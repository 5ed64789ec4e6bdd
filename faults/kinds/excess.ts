import { uniqueImage } from '../../test/images/noise.ts'
import { sampleMemory } from '../../test/system/memory.ts'
import { chunkOf, type Door, doorsOf, endless, formOfFields, headOf } from '../door.ts'
import type { Fault } from '../fault.ts'
import { type PieceOptions, sendPieces } from '../pieces.ts'
import type { Scene } from '../scene.ts'

/** Largest upload of the system, in bytes: small, so that one more is sent soon. */
const MOST_BYTES = 2_000_000
const ANNOUNCED_BYTES = 10_000_000_000
/** What may be under way in buffers when a refusal comes, in bytes. */
const SLACK_BYTES = 64_000_000
const PARTS = 10_000
const HEADER_BYTES = 16 * 1024
/** Most that a service may take meanwhile, resident, in bytes. */
const MEMORY_BYTES = 250 * 1024 * 1024
const MB = 1024 * 1024

/** What is more than is allowed, and what it has to be answered. */
interface Excess {
  readonly what: string
  readonly url: string
  readonly pieces: Iterable<Buffer>
  /** Nothing, when the sender listens to no answer. */
  readonly statuses?: readonly number[]
  readonly options?: PieceOptions
}

export const excess: Fault = {
  name: 'T20',
  says: 'one byte too many, 10 GB announced, 10,000 parts, headers of 16 KB',
  rounds: { full: 20, short: 0 },
  async run({ rounds, random, open }) {
    const scene = await open({ system: { env: { MAX_UPLOAD_BYTES: String(MOST_BYTES) } }, pauseMs: 50 })
    const { findings } = scene
    const memory = sampleMemory(scene.system.pids, { intervalMs: 100 })
    const doors = doorsOf(scene.system)
    const mostBytes = new Map<string, number>()
    let refused = 0
    for (let round = 0; round < rounds; round += 1) {
      const image = uniqueImage(random.next())
      await sendLargest(scene, doors, image)
      for (const { what, url, pieces, statuses, options } of excessesOf(scene, doors, image)) {
        const { status, sentBytes } = await sendPieces(url, pieces, options)
        if (statuses !== undefined && sentBytes > MOST_BYTES + SLACK_BYTES)
          findings.broke('I10', `${url} read ${sentBytes} bytes: ${what}`)
        mostBytes.set(what, Math.max(mostBytes.get(what) ?? 0, sentBytes))
        if (statuses === undefined || statuses.includes(status)) refused += 1
        else findings.broke('I11', `${what} at ${url} was answered ${status || 'nothing'}`)
      }
    }
    const peaks = Object.entries(memory.stop())
    for (const [name, peak] of peaks)
      if (peak > MEMORY_BYTES) findings.broke('I10', `${name} took ${Math.round(peak / MB)} MB`)
    const bytes = [...mostBytes].map(([what, most]) => `${what} ${(most / 1e6).toFixed(2)} MB`)
    const most = Math.max(...peaks.map(([, peak]) => peak))
    const says = `${refused} refused as they should be; sent until it was over, at most: ${bytes.join(', ')}; largest service ${Math.round(most / MB)} MB resident`
    return { figures: [{ says }], findings: await scene.end() }
  },
}

/** An upload of exactly as many bytes as are allowed is taken, or the limit would be another one. */
async function sendLargest({ promise, findings }: Scene, doors: readonly Door[], image: Buffer) {
  const largest = padded(image, MOST_BYTES)
  for (const door of doors.filter(({ name }) => name !== 'storage')) {
    const { status, text } = await sendPieces(door.url, requestOf(door, largest))
    if (status === 200) promise(text.trim(), () => largest)
    else findings.broke('I11', `${door.name} answered ${status} to an upload of the allowed size`)
  }
}

function* excessesOf({ system }: Scene, doors: readonly Door[], image: Buffer): Generator<Excess> {
  const over = padded(image, MOST_BYTES + 1)
  const filler = Buffer.alloc(64 * 1024)
  for (const door of doors) {
    const { url, before } = door
    const start = Buffer.concat([before, image])
    const announced = door.head(`Content-Length: ${ANNOUNCED_BYTES}`)
    const unending = function* () {
      yield* [announced, start]
      yield* endless(filler)
    }
    const chunks = [chunkOf(Buffer.concat([before, over])), chunkOf(Buffer.from('x'))]
    yield { what: 'limit + 1', url, pieces: requestOf(door, over), statuses: [413] }
    const pieces = [door.head('Transfer-Encoding: chunked'), ...chunks]
    yield { what: 'limit + 1 in chunks', url, pieces, statuses: [413] }
    yield { what: '10 GB announced', url, pieces: unending(), statuses: [413] }
    yield { what: '10 GB by one who does not listen', url, pieces: unending(), options: { isDeaf: true } }
    if (door.name !== 'frontend') continue
    const form = formOfFields(PARTS)
    const parts = [door.head(`Content-Length: ${form.length}`), form]
    yield { what: `${PARTS} parts`, url, pieces: parts, statuses: [400, 413] }
  }
  for (const url of Object.values(system.urls)) {
    const headers = [`Host: ${new URL(url).host}`, `X-Long: ${'x'.repeat(HEADER_BYTES)}`]
    yield { what: 'headers of 16 KB', url, pieces: [headOf('GET', '/health', headers)], statuses: [431] }
  }
}

function requestOf(door: Door, image: Buffer): Buffer[] {
  const body = Buffer.concat([door.before, image, door.after])
  return [door.head(`Content-Length: ${body.length}`), body]
}

/** An image with bytes after its end, which belong to the upload and not to the image. */
const padded = (image: Buffer, length: number) => Buffer.concat([image, Buffer.alloc(length - image.length)])
