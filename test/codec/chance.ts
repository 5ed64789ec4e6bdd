import { randomOf } from './build.ts'

/** A source of integers from 0 up to, and without, its argument. */
export type Random = (below: number) => number

/** The source of the `number`th thing of a seed: neighbours have nothing in common. */
export function chanceOf(seed: number, number: number): Random {
  let mixed = (seed ^ Math.imul(number + 1, 0x9e3779b1)) >>> 0
  for (const factor of [0x85ebca6b, 0xc2b2ae35]) mixed = Math.imul(mixed ^ (mixed >>> 15), factor) >>> 0
  return randomOf(mixed ^ (mixed >>> 16))
}

/** One of several. */
export function oneOf<T>(random: Random, choices: readonly T[]): T {
  return choices[random(choices.length)] as T
}

/** True so many times out of a hundred. */
export function isLikely(random: Random, percent: number): boolean {
  return random(100) < percent
}

/** A number from `least` to `most`, small ones more often. */
export function sizeOf(random: Random, least: number, most: number): number {
  return least + random(1 + random(1 + most - least))
}

export function randomBytes(random: Random, count: number): Buffer {
  const bytes = Buffer.alloc(count)
  for (let at = 0; at < count; at += 1) bytes[at] = random(256)
  return bytes
}
