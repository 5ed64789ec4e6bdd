import { bombs } from '../../test/images/bombs.ts'
import { sampleMemory } from '../../test/system/memory.ts'
import { inputFault } from '../input.ts'

/** Pictures that unpack to more are left out: the decoder that judges the results keeps them whole. Less in the short run. */
const MOST_BYTES = 500e6
const MOST_SHORT_BYTES = 10e6
/** How long a picture of 99 megapixels may take, in ms. */
const DONE_MS = 300_000
const SAMPLE_MS = 100
const MB = 1024 * 1024

export const pngBombs = inputFault({
  name: 'T21',
  says: 'PNG bombs: 196 megapixels, 1 x (2^31-1), 300:1 in texts and profiles, 10,000 chunks, 1,000 frames',
  rounds: { full: 5, short: 1 },
  worksAnywhere: true,
  async send(scene, { rounds, isFull }) {
    const { system, findings } = scene
    const limit = isFull ? MOST_BYTES : MOST_SHORT_BYTES
    const sent = bombs().filter(({ status, inflatedBytes }) => status === 413 || inflatedBytes < limit)
    const memory = sampleMemory(system.pids, { intervalMs: SAMPLE_MS })
    const ended = system.faults().length
    let refused = 0
    let right = 0
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, bytes, status } of sent) {
        const answer = await scene.submit(bytes)
        if (status === 413) {
          if (answer.status === 413) refused += 1
          else findings.broke('I1', `${name} was answered ${answer.status}, not 413`)
        } else if (answer.id === undefined) {
          findings.broke('I1', `${name}, a valid image, was answered ${answer.status} ${answer.text}`)
        } else if ((await scene.visitor.fetch(answer.id, DONE_MS)) === undefined) {
          findings.broke('I1', `${name}, a valid image, has no result`)
        } else right += 1
      }
    }
    const [name, peak] = Object.entries(memory.stop()).reduce((most, one) => (one[1] > most[1] ? one : most))
    const deaths = system.faults().length - ended
    return [
      {
        says: `${rounds * sent.length} bombs: ${refused} refused with 413, ${right} done, ${deaths} processes ended; at most ${Math.round(peak / MB)} MB resident (${name})`,
        goal: 'G15',
        isReached: deaths === 0 && refused + right === rounds * sent.length,
      },
    ]
  },
})
