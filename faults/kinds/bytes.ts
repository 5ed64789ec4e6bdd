import { createRandom } from '../../test/images/random.ts'
import type { Figure } from '../fault.ts'
import { createFuzz } from '../fuzz.ts'
import { createInner } from '../inner.ts'
import { inputFault } from '../input.ts'
import { type Heard, sendRaw } from '../raw.ts'

/** Connections at once. */
const AT_ONCE = 64
/** After how long a silence the sender says that nothing more comes, in ms. */
const HALF_CLOSE_MS = 300
/** How often whoever waits is told of it, in requests. */
const TOLD_EVERY = 10_000

export const fuzzedBytes = inputFault({
  name: 'T29',
  says: 'requests with random faults in their bytes, at all six',
  rounds: { full: 100_000, short: 600 },
  async send(scene, { rounds, seed, say }) {
    const { system, findings } = scene
    const fuzz = createFuzz(system)
    const heard: Heard[] = []
    let failed = 0
    let next = 0
    const lane = async () => {
      for (let number = next++; number < rounds; number = next++) {
        if (number > 0 && number % TOLD_EVERY === 0) say(`T29: ${number} requests, ${failed} x 5xx`)
        const { service, bytes } = fuzz.request(createRandom(`T29 ${seed} ${number}`))
        const answer = await sendRaw(system.urls[service], bytes, { halfCloseMs: HALF_CLOSE_MS })
        heard.push({ ...answer, text: '' })
        const status = answer.statuses.find(status => status >= 500)
        if (status === undefined && answer.end !== 'unreached') continue
        failed += 1
        const what = JSON.stringify(bytes.subarray(0, 300).toString('latin1'))
        findings.broke('I11', `${service}, request ${number}: ${status ?? 'nobody listens'} for ${what}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    const inner = createInner(system.secret)
    for (const name of system.names)
      if ((await inner.ask(`${system.urls[name]}/health`))?.status !== 200)
        findings.broke('I10', `${name} does not answer after ${rounds} fuzzed requests`)
    return [figureOf(heard, failed, seed)]
  },
})

function figureOf(heard: readonly Heard[], failed: number, seed: number): Figure {
  const count = (wanted: (heard: Heard) => boolean) => heard.filter(wanted).length
  const within = (least: number) =>
    count(({ statuses }) => (statuses.at(-1) ?? 0) >= least && (statuses.at(-1) ?? 0) < least + 100)
  return {
    says: `${heard.length} fuzzed requests (seeds "T29 ${seed} 0" to "T29 ${seed} ${heard.length - 1}"): ${within(200)} served, ${within(400)} refused, ${count(({ statuses }) => statuses.length === 0)} without an answer, ${count(({ end }) => end === 'held')} held open, ${failed} x 5xx`,
    goal: 'G16',
    isReached: failed === 0,
  }
}
