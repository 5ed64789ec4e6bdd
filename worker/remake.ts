import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { inflateSync } from 'node:zlib'
import { imageData, withoutImageData } from '../codec/strip.ts'
import { swapRedGreen } from '../codec/swap.ts'
import { createZlibRecoder } from '../codec/zlib.ts'

const UNLIMITED = { maxPixels: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }

/**
 * Whether the swap on node:zlib makes the same of an upload as the given result: the same rows, still filtered, since
 * every implementation keeps the filters, and the same chunks around them. Not for animations. A result that cannot be
 * read is not the same.
 */
export async function isMadeAgain(upload: Buffer, result: Buffer): Promise<boolean> {
  const recoder = createZlibRecoder()
  const again = await buffer(swapRedGreen(Readable.from([upload]), { ...UNLIMITED, recoder }))
  try {
    return (
      withoutImageData(result).equals(withoutImageData(again)) &&
      inflateSync(imageData(result)).equals(inflateSync(imageData(again)))
    )
  } catch {
    return false
  }
}
