import { essentialChunks } from '../codec/strip.ts'
import { sharp } from './decoder.ts'
import { isMadeAgain } from './remake.ts'

/**
 * Reads uploads and their results from standard input, each image behind its length, until that ends, and says a line to each
 * pair: `same` when sharp sees red and green exchanged and nothing else, `animation` for what it cannot compare, `unreadable`
 * for an upload that is no question for sharp. Where it sees anything else, node:zlib makes the result once more: `overruled`
 * when its rows are the same, else `different`.
 */
async function main(): Promise<void> {
  const pieces = process.stdin[Symbol.asyncIterator]()
  let rest = Buffer.alloc(0)
  const take = async (bytes: number): Promise<Buffer | undefined> => {
    const taken = [rest]
    let length = rest.length
    while (length < bytes) {
      const { done, value } = await pieces.next()
      if (done) return undefined
      taken.push(value)
      length += value.length
    }
    const all = Buffer.concat(taken, length)
    rest = all.subarray(bytes)
    return all.subarray(0, bytes)
  }
  const takeImage = async (): Promise<Buffer | undefined> => {
    const head = await take(8)
    return head && take(Number(head.readBigUInt64BE()))
  }
  for (;;) {
    const upload = await takeImage()
    const result = await takeImage()
    if (upload === undefined || result === undefined) return
    process.stdout.write(`${await judge(upload, result)}\n`)
  }
}

async function judge(upload: Buffer, result: Buffer): Promise<string> {
  if (upload.includes('acTL')) return 'animation'
  const before = await decode(upload).catch(() => undefined)
  if (before === undefined) return 'unreadable'
  const after = await decode(result).catch(() => undefined)
  if (after !== undefined && isExchanged(before, after)) return 'same'
  return (await isMadeAgain(upload, result)) ? 'overruled' : 'different'
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

await main()
