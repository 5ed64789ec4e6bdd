import { builtOf } from './built.ts'
import { chanceOf, isLikely, type Random, randomBytes, sizeOf } from './chance.ts'
import { compressed } from './compressed.ts'
import { mended, mutated } from './mutation.ts'
import { type Extent, type Frame, frameOf, pictureOf } from './picture.ts'

/** A stream, good or bad, the pieces it comes in, and what it is to inflate to. */
export interface Mutant extends Frame {
  readonly zlib: Buffer
  readonly pieces: readonly Buffer[]
}

interface Original {
  readonly frame: Frame
  readonly zlib: Buffer
}

/** Good streams are made once and mutated many times: so many of each extent. */
const ORIGINALS: Readonly<Record<Extent, number>> = { small: 3_000, medium: 40, large: 60 }
const MOST_PIECES = 100

function extentOf(random: Random): Extent {
  const kind = random(300)
  return kind === 0 ? 'large' : kind < 4 ? 'medium' : 'small'
}

export interface Mutants {
  /** The mutant of that number: the same whatever was asked for before. */
  mutant(number: number): Mutant
}

export function createMutants(seed: number): Mutants {
  const originals = new Map<string, Original>()
  function original(extent: Extent, random: Random): Original {
    const number = random(ORIGINALS[extent])
    const name = `${extent} ${number}`
    const known = originals.get(name)
    if (known !== undefined) return known
    const own = chanceOf(seed ^ extent.charCodeAt(0), -2 - number)
    const frame = frameOf(extent, own)
    const made = { frame, zlib: compressed(pictureOf(frame.layout, own), own) }
    originals.set(name, made)
    return made
  }

  function stream(random: Random): Original {
    const kind = random(1_000)
    if (kind < 6) return original('large', random)
    if (kind < 30) return original('small', random)
    if (kind < 34) return builtOf('large', random)
    if (kind < 400) return builtOf(extentOf(random), random)
    const { frame, zlib } = kind < 550 ? builtOf('small', random) : original(extentOf(random), random)
    const damaged = mutated(zlib, original('small', random).zlib, random)
    return isLikely(random, 50) ? mended(frame, damaged, random) : { frame, zlib: damaged }
  }

  return {
    mutant: number => {
      const random = chanceOf(seed, number)
      const { frame, zlib } = stream(random)
      const more = isLikely(random, 10)
        ? randomBytes(random, random(50) === 0 ? 80_000 : random(20))
        : undefined
      const whole = more === undefined ? zlib : Buffer.concat([zlib, more])
      return { ...frame, zlib: whole, pieces: piecesOf(whole, random) }
    },
  }
}

/** The stream whole, in equal pieces, or in pieces of all sizes with empty ones between. */
function piecesOf(zlib: Buffer, random: Random): Buffer[] {
  const kind = random(10)
  if (kind < 4) return [zlib]
  const least = Math.ceil(zlib.length / MOST_PIECES)
  const most = kind === 4 ? least : kind === 5 ? 70_000 : least + random(300)
  const pieces: Buffer[] = []
  for (let at = 0; at < zlib.length; ) {
    if (kind > 7 && random(5) === 0) pieces.push(Buffer.alloc(0))
    const end = at + (kind < 7 ? Math.max(1, most) : sizeOf(random, Math.max(1, least), least + 2 * most))
    pieces.push(zlib.subarray(at, end))
    at = end
  }
  if (kind === 9) pieces.push(Buffer.alloc(0))
  return pieces
}
