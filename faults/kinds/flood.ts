import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { sampleMemory } from '../../test/system/memory.ts'
import { type Alike, createAlike } from '../alike.ts'
import { doorsOf } from '../door.ts'
import type { Fault, Figure } from '../fault.ts'
import { limitMemory } from '../memory-limit.ts'
import type { Scene } from '../scene.ts'

const UPLOADS = { full: 1_000, short: 8 }
const UPLOAD_BYTES = 5_000_000
const MEMORY_BYTES = 512 * 1024 * 1024
const MB = 1024 * 1024
/** How long one of so many may wait for his answer, and how long all together for their results, in ms. */
const ANSWER_MS = 900_000
const DONE_MS = 1_800_000
const LOOK_MS = 100

/** How an upload of the flood was answered. */
type Answer = 'accepted' | 'refused' | 'refused badly'

export const flood: Fault = {
  name: 'T28',
  says: `a thousand uploads of ${UPLOAD_BYTES / 1e6} MB at once, ${MEMORY_BYTES / MB} MB of memory a service`,
  rounds: { full: 1, short: 0 },
  async run({ rounds, isFull, seed, open }) {
    const scene = await open({ lanes: 0 })
    const limit = limitMemory(scene.system.pids(), MEMORY_BYTES)
    const memory = sampleMemory(scene.system.pids, { intervalMs: 100 })
    const uploads = isFull ? UPLOADS.full : UPLOADS.short
    const answers: Answer[] = []
    try {
      for (let round = 0; round < rounds; round += 1) {
        const alike = createAlike(seed + round, UPLOAD_BYTES)
        await scene.during(async () => {
          const send = (_: unknown, at: number) => sendOne(scene, alike, round * uploads + at)
          answers.push(...(await Promise.all(Array.from({ length: uploads }, send))))
          await untilDone(scene)
        })
      }
      const peaks = memory.stop()
      for (const [name, peak] of Object.entries(peaks))
        if (peak > MEMORY_BYTES) scene.findings.broke('I10', `${name} took ${Math.round(peak / MB)} MB`)
      const figure = figureOf(answers, peaks, limit !== undefined, scene)
      return { figures: [figure], findings: await scene.end() }
    } finally {
      limit?.lift()
    }
  },
}

/** Uploads one image, streamed from what all share. */
async function sendOne(scene: Scene, alike: Alike, number: number): Promise<Answer> {
  const { journal, system, findings } = scene
  const [form] = doorsOf(system)
  if (form === undefined) throw new Error('there is no form')
  const pieces = [form.before, ...alike.pieces(number), form.after]
  const from = journal.now()
  const note = (status: number | 'unknown') =>
    journal.note({ kind: 'upload', from, to: journal.now(), status, image: number })
  try {
    const { statusCode, headers, body } = await request(`${form.url}/submitTask`, {
      method: 'POST',
      headers: {
        'content-type': form.contentType,
        'content-length': String(form.before.length + alike.length + form.after.length),
      },
      body: Readable.from(pieces),
      headersTimeout: ANSWER_MS,
      bodyTimeout: ANSWER_MS,
    })
    const text = (await body.text()).trim()
    note(statusCode)
    if (statusCode === 200) {
      scene.promise(text, () => Buffer.concat(alike.pieces(number)))
      return 'accepted'
    }
    const retryAfter = Number(headers['retry-after'] ?? 0)
    if ((statusCode === 429 || statusCode === 503) && retryAfter > 0) return 'refused'
    findings.broke('I11', `an upload of many was answered ${statusCode} (Retry-After ${retryAfter}): ${text}`)
  } catch (error) {
    note('unknown')
    findings.broke('I11', `an upload of many had no answer: ${(error as { code?: string }).code ?? error}`)
  }
  return 'refused badly'
}

/** Waits until every task has ended. */
async function untilDone({ watch }: Scene): Promise<void> {
  const deadline = performance.now() + DONE_MS
  while (watch.open() > 0 && performance.now() < deadline) await delay(LOOK_MS)
}

function figureOf(
  answers: readonly Answer[],
  peaks: Readonly<Record<string, number>>,
  isLimited: boolean,
  { system }: Scene,
): Figure {
  const count = (wanted: Answer) => answers.filter(answer => answer === wanted).length
  const memory = Object.entries(peaks).map(([name, peak]) => `${name} ${Math.round(peak / MB)}`)
  const how = isLimited ? 'none could have more' : 'read, not limited: this takes root and control groups'
  const bad = count('refused badly')
  return {
    says: `${answers.length} uploads at once: ${count('accepted')} accepted, ${count('refused')} refused with 429 or 503 and Retry-After, ${bad} otherwise; at most ${memory.join(', ')} MB resident (${how})`,
    goal: 'G13',
    isReached: bad === 0 && system.faults().length === 0 && Math.max(...Object.values(peaks)) <= MEMORY_BYTES,
  }
}
