import t, { type Test } from 'tap'
import { bombs } from '../images/bombs.ts'
import { broken } from '../images/broken.ts'
import { catalogue } from '../images/catalogue.ts'
import type { NamedImage } from '../images/encode.ts'
import { differences } from '../oracle/compare.ts'
import { corpus, hasCorpus } from './corpus.ts'
import { sampleMemory } from './memory.ts'
import { isFull } from './scale.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'

/** Pictures under way at once. */
const AT_ONCE = 6
const MB = 1024 * 1024
/** The oracle keeps this process busy for a minute over the largest ones, and cannot look meanwhile. */
const PATIENCE_MS = 300_000
/** What a service may hold, in bytes; the worker more while it has the largest picture. */
const MOST_BYTES = 300 * MB
const MOST_WORKER_BYTES = 1024 * MB

/** In the short form, where the corpus holds the same types, a part of what is made on the fly. */
const isSent = (_: unknown, at: number) => isFull || !hasCorpus || at % 4 === 0

interface Outcome {
  readonly name: string
  /** `right`, `refused` (with a status), `failed` (with a reason), or what is wrong. */
  readonly is: 'right' | 'refused' | 'failed' | 'wrong'
  readonly says: string
}

t.setTimeout(600_000)

t.test('pictures through the running system', async t => {
  const system = await startSystem(t)
  const memory = sampleMemory(system.pids)
  const { frontend } = system.urls

  const send = async ({ name, bytes }: NamedImage): Promise<Outcome> => {
    const answer = await upload(frontend, bytes)
    if (answer.id === undefined)
      return { name, is: answer.status < 500 ? 'refused' : 'wrong', says: `${answer.status} ${answer.text}` }
    const outcome = await waitUntilDone(frontend, answer.id, PATIENCE_MS)
    if (outcome !== 'ready')
      return { name, is: outcome.failed.length > 0 ? 'failed' : 'wrong', says: outcome.failed }
    const found = differences(bytes, await fetchImage(frontend, answer.id))
    return { name, is: found.length === 0 ? 'right' : 'wrong', says: found.slice(0, 3).join('; ') }
  }
  const sendAll = async (images: readonly NamedImage[]): Promise<Outcome[]> => {
    const outcomes: Outcome[] = []
    const waiting = [...images]
    const lane = async () => {
      for (let image = waiting.shift(); image !== undefined; image = waiting.shift())
        outcomes.push(await send(image))
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    return outcomes
  }
  const count = (outcomes: readonly Outcome[], is: Outcome['is']) =>
    outcomes.filter(outcome => outcome.is === is).length
  const expectAll = (t: Test, outcomes: readonly Outcome[], expected: readonly Outcome['is'][]) => {
    const others = outcomes.filter(({ is }) => !expected.includes(is))
    t.same(others, [], 'nothing else came of any of them')
    t.ok(outcomes.length > 0)
  }

  await t.test(
    'every valid picture made on the fly comes back with red and green exchanged and nothing else',
    async t => {
      const outcomes = await sendAll(catalogue().filter(isSent))
      expectAll(t, outcomes, ['right'])
      t.comment(`catalogue: ${count(outcomes, 'right')} of ${outcomes.length} right`)
    },
  )

  await t.test(
    'every broken picture made on the fly is refused, or fails with a reason that names what is wrong',
    async t => {
      const images = broken().filter(isSent)
      const outcomes = new Map((await sendAll(images)).map(outcome => [outcome.name, outcome]))
      for (const { name, reason, status } of images) {
        const outcome = outcomes.get(name)
        t.match(outcome?.says, reason, name)
        if (status === 'failed') t.equal(outcome?.is, 'failed', name)
        else t.match(outcome?.says, new RegExp(`^${status} `), name)
      }
      t.comment(`broken: ${images.length} of ${images.length} refused or failed with a reason`)
    },
  )

  await t.test('bombs are refused before they are unpacked, or come back right', async t => {
    // What comes back is decoded whole by the oracle, which takes its time.
    const most = isFull ? 500e6 : 10e6
    const sent = bombs().filter(({ status, inflatedBytes }) => status === 413 || inflatedBytes < most)
    expectAll(t, await sendAll(sent), ['right', 'refused'])
  })

  const suite = { skip: !hasCorpus && 'the corpus does not lie beside the project' }

  await t.test(
    'PngSuite: the valid pictures come back right, the corrupt ones are refused or fail',
    suite,
    async t => {
      const files = corpus('pngsuite')
      const valid = await sendAll(files.filter(({ name }) => !name.startsWith('x')))
      const corrupt = await sendAll(files.filter(({ name }) => name.startsWith('x')))
      expectAll(t, valid, ['right'])
      expectAll(t, corrupt, ['refused', 'failed'])
      t.equal(valid.length, 162)
      t.equal(corrupt.length, 14)
      t.comment(
        `PngSuite: ${count(valid, 'right')} of ${valid.length} right, ${corrupt.length} of ${corrupt.length} corrupt ones turned away`,
      )
    },
  )

  await t.test('photographs, screenshots, scans and animations come back right', suite, async t => {
    const files = [...corpus('kodak'), ...corpus('various')]
    const outcomes = await sendAll(files.filter(({ bytes }) => bytes.length < (isFull ? 1e9 : 600e3)))
    expectAll(t, outcomes, ['right'])
    t.comment(`kodak and various: ${count(outcomes, 'right')} of ${outcomes.length} right`)
  })

  await t.test('files that mean harm are refused, fail, or come back right', suite, async t => {
    const outcomes = await sendAll(corpus('nasty'))
    expectAll(t, outcomes, ['right', 'refused', 'failed'])
    for (const { name, is, says } of outcomes) t.comment(`${name}: ${is} ${says}`)
  })

  await t.test('no service ends, and none takes more memory than it may', async t => {
    for (const [service, peak] of Object.entries(memory.stop())) {
      t.ok(peak < (service.startsWith('worker') ? MOST_WORKER_BYTES : MOST_BYTES), service)
      t.comment(`${service}: at most ${Math.round(peak / MB)} MB resident`)
    }
  })
})
