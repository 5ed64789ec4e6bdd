import { createRandom } from '../../test/images/random.ts'

/** Durations that vary around a mean, the same for the same seed. */
export interface Durations {
  /** Gamma distributed, in the unit of the mean. */
  draw(mean: number): number
  /** Exponentially distributed: times between visitors who know nothing of each other. */
  drawGap(mean: number): number
  /** 0 to limit-1. */
  below(limit: number): number
}

/**
 * @param shape Whole: 1 is exponential; the standard deviation is the mean divided by its root, so 4 says half of the mean.
 */
export function createDurations(seed: number | string, shape: number): Durations {
  const random = createRandom(seed)
  /** Never 0, of which there is no logarithm. */
  const fraction = () => (random.next() + 1) / (2 ** 32 + 1)
  return {
    draw(mean) {
      let product = 1
      for (let i = 0; i < shape; i += 1) product *= fraction()
      return (-Math.log(product) * mean) / shape
    },
    drawGap: mean => -Math.log(fraction()) * mean,
    below: random.below,
  }
}
