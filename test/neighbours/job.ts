import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { decodePng } from '../oracle/decode.ts'
import { fetchImage, upload, waitUntilDone } from '../system/visitor.ts'

/** Uploads under way at once. */
const AT_ONCE = 4

/** Where a job is done: all of a system that it needs. */
export interface Site {
  readonly urls: { readonly frontend: string }
}

export interface Upload {
  readonly id: string
  readonly image: Buffer
}

/** Uploads `count` images of noise, each different; throws when one is not taken in. */
export async function uploadMany({ urls }: Site, count: number, firstSeed = 0): Promise<Upload[]> {
  const uploads: Upload[] = []
  let seed = firstSeed
  const lane = async () => {
    while (seed < firstSeed + count) {
      const image = uniqueImage(seed++)
      const { id, status, text } = await upload(urls.frontend, image)
      if (id === undefined) throw new Error(`an upload was refused: ${status} ${text}`)
      uploads.push({ id, image })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return uploads
}

/**
 * Uploads all the time, two images at once, each compared before the next is sent, until it is told to end; gives how
 * many there were and what was wrong with them: refused, failed, or not what they should be.
 */
export function keepUploading(system: Site, firstSeed: number) {
  const faults: string[] = []
  let count = 0
  let isOver = false
  const lane = async () => {
    while (!isOver) {
      try {
        const [sent] = await uploadMany(system, 1, firstSeed + count++)
        if (sent !== undefined) faults.push(...(await faultsOf(system, sent, false)))
      } catch (error) {
        faults.push(String(error))
      }
    }
  }
  const lanes = [lane(), lane()]
  return async () => {
    isOver = true
    await Promise.all(lanes)
    return { count, faults }
  }
}

/** What is wrong with the result of an upload, once it is there; empty when nothing is. It is fetched twice: it may not change. */
export async function faultsOf({ urls }: Site, { id, image }: Upload, flattened: boolean): Promise<string[]> {
  const outcome = await waitUntilDone(urls.frontend, id, 120_000)
  if (outcome !== 'ready') return [`failed: ${outcome.failed}`]
  const result = await fetchImage(urls.frontend, id)
  const again = await fetchImage(urls.frontend, id)
  const found = flattened ? flatDifferences(image, result) : differences(image, result)
  return again.equals(result) ? found : [...found, 'the result changed']
}

/** As the original worker does it: red and green exchanged in 8 bits, all of it opaque. */
function flatDifferences(upload: Buffer, result: Buffer): string[] {
  const [before, after] = [decodePng(upload), decodePng(result)]
  const [from, to] = [before.frames[0]?.samples ?? [], after.frames[0]?.samples ?? []]
  const { channels } = before.header
  if (after.header.channels !== 4 || to.length !== (from.length / channels) * 4)
    return ['another size or type']
  const expected = (at: number): number => {
    const [pixel, channel] = [Math.floor(at / 4), at % 4]
    return channel === 3 ? 255 : (from[pixel * channels + ([1, 0, 2][channel] ?? 0)] ?? 0)
  }
  const wrong = Array.from(to).findIndex((sample, at) => sample !== expected(at))
  return wrong < 0 ? [] : [`sample ${wrong} is wrong`]
}
