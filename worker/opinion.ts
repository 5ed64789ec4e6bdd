import type { Header } from '../codec/header.ts'
import type { Grant } from '../database/contract.ts'
import { discard } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import type { storageContract } from '../storage/contract.ts'
import { createStand } from './stand.ts'

/** Largest picture that is asked about, in pixels: sharp holds it twice, decoded. */
export const OPINION_PIXELS = 16_000_000
/** Above so many pixels a witness goes after its answer: what it held does not go back to the system otherwise. */
const KEPT_PIXELS = 1_000_000

export interface OpinionOptions {
  readonly storage: Link<typeof storageContract>
  /** The program that compares: a built worker/witness.ts. */
  readonly witness: string
  /** Of how many results it is asked, 0 to 1. */
  readonly share: number
  readonly log: Logger
  /** A number from 0 to 1, for choosing. */
  readonly random?: () => number
}

export interface OpinionCounts {
  readonly asked: number
  readonly agreed: number
  /** Results whose pixels sharp sees differently, while the second implementation makes the same: look at the log. */
  readonly overruled: number
  /** Results that the second implementation makes differently: their tasks fail. */
  readonly mismatched: number
  /** Questions that got no answer: an animation, an image that was gone by then, sharp itself failing. */
  readonly unanswered: number
}

/**
 * sharp as a second opinion on results, and where it sees other pixels node:zlib as a third: in a process of their own,
 * one question at a time.
 */
export interface Opinion {
  /**
   * Perhaps asks about a stored result. False when it is proved wrong: sharp sees other pixels, and node:zlib makes
   * others. No answer is no objection. Never rejects.
   */
  ask(grant: Grant, header: Header): Promise<boolean>
  counts(): OpinionCounts
  close(): Promise<void>
}

export function createOpinion({
  storage,
  witness,
  share,
  log,
  random = Math.random,
}: OpinionOptions): Opinion {
  const counts = { asked: 0, agreed: 0, overruled: 0, mismatched: 0, unanswered: 0 }
  const stand = createStand(witness)
  let isAsking = false
  let isClosed = false

  const fetchBoth = async ({ id, attempt }: Grant): Promise<[Bytes, Bytes]> => {
    const upload = await storage.ask.getImage({ id, state: 'working' })
    try {
      return [upload, await storage.ask.getImage({ id, state: 'finished', attempt })]
    } catch (error) {
      discard(upload)
      throw error
    }
  }

  const answer = async (grant: Grant, pixels: number): Promise<boolean> => {
    const { id, attempt } = grant
    counts.asked += 1
    let images: readonly Bytes[] = []
    try {
      images = await fetchBoth(grant)
      const said = await stand.ask(images)
      if (pixels > KEPT_PIXELS) stand.dismiss()
      if (said === 'same') counts.agreed += 1
      else if (said === 'overruled') {
        counts.overruled += 1
        log.warn({ id, attempt }, 'sharp sees other pixels in this result, node:zlib makes the same')
      } else if (said === 'different') {
        counts.mismatched += 1
        log.error({ id, attempt }, 'sharp sees other pixels in this result, and node:zlib makes others')
        return false
      } else throw new Error(said)
    } catch (error) {
      counts.unanswered += 1
      if (!isClosed) log.warn({ id, err: error }, 'no second opinion')
    } finally {
      for (const image of images) discard(image)
    }
    return true
  }

  return {
    async ask(grant, { width, height, bitDepth, colourType }) {
      const isReadExactly = bitDepth === 8 && (colourType === 2 || colourType === 6)
      // Who comes while another is asked about is not: tasks come first.
      if (!isReadExactly || width * height > OPINION_PIXELS || random() >= share || isAsking) return true
      isAsking = true
      try {
        return await answer(grant, width * height)
      } finally {
        isAsking = false
      }
    },
    counts: () => ({ ...counts }),
    async close() {
      isClosed = true
      stand.dismiss()
    },
  }
}
