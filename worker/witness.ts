import { buffer } from 'node:stream/consumers'
import { essentialChunks } from '../codec/strip.ts'
import { sharp } from './decoder.ts'
import { isMadeAgain } from './remake.ts'

/**
 * Reads an upload and its result from standard input, each behind its length, and says `same` when sharp sees red and
 * green exchanged and nothing else, `animation` for what it cannot compare. Where sharp sees anything else, node:zlib
 * makes the result once more: `overruled` when its rows are the same, else `different`.
 */
async function main(): Promise<void> {
  const input = await buffer(process.stdin)
  const uploadEnd = 8 + Number(input.readBigUInt64BE(0))
  const upload = input.subarray(8, uploadEnd)
  const result = input.subarray(uploadEnd + 8)
  if (upload.includes('acTL')) return say('animation')
  const before = await decode(upload)
  // An upload that sharp cannot read is no question for it; a result is.
  const after = await decode(result).catch(() => undefined)
  if (after !== undefined && isExchanged(before, after)) return say('same')
  say((await isMadeAgain(upload, result)) ? 'overruled' : 'different')
}

interface Picture {
  readonly pixels: Buffer
  readonly width: number
  readonly channels: number
}

/** The picture without any chunk about colours, which sharp would apply. */
async function decode(png: Buffer): Promise<Picture> {
  const { data, info } = await sharp(essentialChunks(png), { limitInputPixels: false })
    .raw()
    .toBuffer({ resolveWithObject: true })
  return { pixels: data, width: info.width, channels: info.channels }
}

function isExchanged(before: Picture, after: Picture): boolean {
  const { channels } = before
  if (
    before.width !== after.width ||
    channels !== after.channels ||
    before.pixels.length !== after.pixels.length
  )
    return false
  const { pixels } = after
  for (let at = 0; at < pixels.length; at += channels) {
    const red = pixels[at] ?? 0
    pixels[at] = pixels[at + 1] ?? 0
    pixels[at + 1] = red
  }
  return pixels.equals(before.pixels)
}

function say(word: string): void {
  process.stdout.write(`${word}\n`)
}

await main()
